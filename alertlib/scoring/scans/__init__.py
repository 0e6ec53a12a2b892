"""Block forms of built-in steps: the same signals over a whole file, several times faster.

The step stays the one definition; a law holds each form to it, bit for bit. A form reads shifted
slices of narrow columns instead of a ring and does without branches, so that the compiler can use
wide registers. Scratch is handed in: numba takes longer to compile an allocation than a loop. A
parameter set that a form does not cover runs through the step.
"""
