"""RECORD: what we meant, durably. The journal port on SQLite; a second store is one more file beside it.

Reading order: ``sqlite`` (the port's methods), ``schema`` (the tables), ``intents``, ``transfers`` and
``cycles`` (their rules), ``chain`` (checksums), ``database`` (the file and its errors), ``codec`` (values as
JSON). What belongs here is how things are kept; what they mean is ``domain``'s.
"""
