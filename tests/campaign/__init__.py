"""The campaign: whole lives of the daemon in virtual time, with everything going wrong that a seed draws.

What belongs here plays the production daemon, unmodified, against the exchange with truth, and judges it:

    plan, draw    a seed becomes a plan: config, prices, troubles. Pure data, so a plan can be cut down
    troubles/     what goes wrong, one function a class, in one file a topic
    life          plays a plan through the one composition root; running, gates and loop are its stage
    judge/        says what must never be, from the exchange's truth, the journal's bytes and the log.
                  It imports the simulator and the standard library, nothing of the daemon
    tally         counts what struck and which rare states were reached: a zero voids the campaign
    __main__      run, replay, shrink, summary

A seed is one integer; the same seed gives the same trace on every machine, as long as nothing is drawn
otherwise. What it finds in the daemon is mended there, with a test beside the part that was mended.
"""
