"""A second, slow implementation of the cascade, in dictionaries and loops, written from the model's text alone.

It shares no line with the kernels, so that what both say of a random venue is what the model says. Where the text
can be read in two ways, the docstring of the function concerned names the reading taken.

``play(case)`` takes the input of a conformance case and gives the result in the form of the case's ``expected``.
"""

from tests.naive.play import play

__all__ = ["play"]
