"""What to ask next and what an answer means: pure, without a clock, a socket or a disk.

Every procedure is a generator that yields the asks it wants answered and is sent the answers, in the same order.
Whoever drives it decides how many are under way at once; nothing here can tell a real source from a modelled one.
"""
