"""The daemon's two doors: read-only HTTP on TCP, and the control socket for whoever owns the daemon.

``http`` answers to anything that can reach its port, so nothing there changes state, and ``hosts`` keeps
web pages of others from reading it through a browser. ``control`` is a Unix socket of mode 0600 and takes
commands. ``views`` is what both show, ``metrics`` and ``gauges`` are what Prometheus collects, ``page`` and
``history`` what a person looks at.
"""
