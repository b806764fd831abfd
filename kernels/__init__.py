"""The simulation kernels of tailstress: numbers in, numbers out.

Nothing here knows a scenario file, a percent sign or a folder. Inputs are the
named tuples of :mod:`stress.kernels.structs`; outputs are arrays handed in by
the caller. Import it as ``stress.kernels``, never as a top-level package.
"""
