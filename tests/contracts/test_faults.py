"""What may go wrong, as one list: each fault, and the tests that prove what happens then."""

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FAULTS = {
    "the server is killed in the middle of a sweep": (
        "engine/training/test_sweep.py::test_killed_forty_times_nothing_written_is_lost",
        "engine/training/test_workers.py::"
        "test_the_workers_of_a_killed_server_end_and_the_next_one_goes_on",
        "engine/training/test_manager.py::test_the_next_server_goes_on_and_a_link_finds_its_job",
    ),
    "the disk is full": (
        "engine/training/test_store.py::test_a_full_disk_leaves_a_sound_checkpoint",
        "engine/training/test_store.py::test_a_full_disk_under_the_index_is_one_sentence",
        "engine/training/test_store.py::test_a_file_that_the_system_cuts_is_refused",
        "engine/training/test_sweep.py::test_a_full_disk_costs_an_interval_and_says_so",
        "engine/training/test_mnist.py::test_a_cache_that_cannot_be_written",
        "engine/test_compiled.py::test_a_full_disk_keeps_no_code_and_stops_nobody",
        "engine/test_compiled.py::test_where_no_folder_may_be_written_code_is_made_all_the_same",
        "pages/test_jobs.py::test_a_store_that_cannot_be_used_is_one_sentence",
    ),
    "a bit of a stored value flips": (
        "engine/training/test_store.py::test_every_flipped_bit_and_every_cut_is_noticed",
        "engine/training/test_store.py::test_every_flipped_bit_of_a_row_is_noticed",
        "engine/training/test_store.py::"
        "test_a_flipped_bit_of_the_index_leaves_the_truth_or_the_checkpoint",
        "engine/training/test_manager.py::test_every_flipped_bit_of_a_job_is_noticed",
        "engine/training/test_mnist.py::test_a_flipped_bit_in_a_gzip_is_noticed",
    ),
    "a tab is closed": ("pages/test_jobs.py::test_a_tab_that_closes_stops_nothing",),
    "two sessions start one sweep": (
        "engine/training/test_manager.py::"
        "test_of_sessions_that_start_one_sweep_at_once_one_wins_and_all_have_its_job",
        "engine/training/test_store.py::test_a_run_has_one_owner",
        "engine/training/test_sweep.py::test_two_processes_share_the_runs_of_one_sweep",
        "pages/test_jobs.py::test_another_tab_sees_the_same_job_and_may_stop_it",
    ),
    "a worker dies": (
        "engine/training/test_workers.py::test_killed_workers_cost_a_piece",
        "engine/training/test_workers.py::test_a_run_that_always_kills_its_worker_fails_alone",
        "engine/training/test_workers.py::"
        "test_dask_trains_what_one_process_trains_though_a_worker_is_killed",
    ),
    "an allocation fails": (
        "pages/test_mishaps.py::test_without_memory_the_last_picture_stays_and_says_why",
        "pages/test_mishaps.py::test_a_link_that_finds_no_memory_opens_the_lesson_as_usual",
        "pages/test_mishaps.py::test_where_nothing_at_all_can_be_drawn_a_sentence_is_left",
        "pages/test_hostile_files.py::"
        "test_a_picture_that_memory_is_too_small_for_is_refused_in_one_sentence",
        "engine/training/test_sweep.py::"
        "test_a_training_that_breaks_is_one_sentence_and_spares_the_others",
    ),
    "a device is gone": (
        "engine/test_device.py::test_cuda_is_refused_where_there_is_none",
        "engine/test_device.py::test_auto_goes_on_on_the_cpu_and_whoever_asked_for_the_gpu_is_told",
        "engine/test_device.py::test_every_door_that_takes_a_gpu_by_itself_goes_on_without_it",
        "pages/test_mishaps.py::"
        "test_a_graphics_card_that_is_gone_is_a_sentence_and_the_picture_stays",
        "pages/test_mishaps.py::"
        "test_without_its_graphics_card_the_page_computes_on_the_processor_and_says_so",
    ),
    "a mistake of ours": (
        "pages/test_mishaps.py::test_a_mistake_of_ours_is_a_sentence_and_the_last_picture_stays",
        "pages/test_mishaps.py::"
        "test_what_breaks_off_in_a_callback_is_a_sentence_without_trace_or_text",
        "pages/test_mishaps.py::test_the_server_says_so_of_whatever_nobody_catches",
        "contracts/test_safety.py::test_only_who_develops_sees_mistakes_in_full",
    ),
    "NaN, infinity, 1e308, nothing or 10,000 characters in a field": (
        "pages/test_typed_data.py::test_one_sentence_at_the_field_and_the_picture_stays",
        "pages/test_typed_data.py::"
        "test_the_sentence_stays_until_good_data_come_and_the_picture_is_the_last_good_one",
        "pages/test_typed_data.py::test_a_number_field_survives_what_no_browser_sends",
        "pages/test_every_lesson.py::test_every_section_opens_and_its_number_fields_are_bounded",
        "engine/training/test_manager.py::test_what_no_scheduler_can_be_is_refused_at_once",
    ),
    "a link with unknown keys, wrong types, 5,000 digits or a script": (
        "pages/test_lesson_links.py::test_nonsense_in_a_link_is_refused_whatever_the_field",
        "pages/test_lesson_links.py::test_a_refused_link_opens_the_lesson_as_usual",
        "pages/test_lesson_links.py::test_a_link_refused_by_the_engine_is_refused_once",
        "pages/test_jobs.py::test_a_link_to_a_job_that_nobody_knows_says_so",
        "browser/test_addresses.py::test_a_broken_link_says_so_and_shows_the_first_preset",
    ),
    "a hostile CSV": (
        "pages/test_hostile_files.py::test_a_hostile_file_gets_one_sentence_and_the_picture_stays",
        "pages/test_numbers_out.py::test_a_csv_gives_back_every_number_and_holds_no_formula",
    ),
    "a hostile picture": (
        "engine/clusters/test_loading.py::test_what_is_refused_is_refused_in_one_sentence",
        "pages/test_quantise_page.py::test_a_file_that_is_no_picture_is_refused_in_one_sentence",
    ),
    "text of a visitor that would run": (
        "contracts/test_safety.py::test_no_shell_is_started_and_no_text_becomes_markup",
        "contracts/test_house.py::test_no_page_lets_a_visitors_text_run",
        "pages/test_handout_page.py::test_typed_text_stays_text",
        "browser/test_addresses.py::test_text_from_a_link_does_not_run",
        "browser/test_addresses.py::test_what_is_typed_does_not_run",
    ),
    "a pickle that would be loaded": (
        "contracts/test_safety.py::test_no_pickle_is_loaded_and_no_text_is_run",
        "engine/training/test_store.py::test_no_pickle_is_written",
    ),
    "a door that nobody opened": (
        "contracts/test_safety.py::test_it_listens_on_loopback_unless_the_flag_says_otherwise",
        "contracts/test_safety.py::test_the_flag_opens_it_to_names_that_are_listed",
        "browser/test_arrival.py::test_it_listens_on_one_address_of_this_machine_and_no_other",
    ),
}


@cache
def defined_in(file: str) -> set[str]:
    body = ast.parse((TESTS / file).read_text(encoding="utf-8")).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_proved(fault: str) -> None:
    for proof in FAULTS[fault]:
        file, name = proof.split("::")
        assert name.startswith("test_"), proof
        assert name in defined_in(file), proof
