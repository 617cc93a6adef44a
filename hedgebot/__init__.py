"""hedgebot keeps the dollar value of held coins from moving, with short inverse perpetuals.

Reading order: ``ports`` (what we ask of the world), ``domain`` (words and arithmetic), ``cycle``
(the loop), then the stages in its order: ``observation``, ``risk``, ``planning``, ``execution``.
"""

__version__ = "0.1.0"
