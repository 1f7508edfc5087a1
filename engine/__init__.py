"""The derivations of a machine-learning course, computed and certified.

Every lesson is one module with the same verbs:

    params = chain.Params(w1=0.5, w2=-1.5, w3=2.0, x=0.8)   # checked numbers
    trace = chain.run(params)                               # the whole trajectory, frozen
    chain.certify(trace)                                    # against independent computations
    chain.certify(trace, chain.SLIPS["eq23-second"])        # the same, with a known mistake in it

The module docstring is the derivation. Nothing here imports streamlit or altair.
"""
