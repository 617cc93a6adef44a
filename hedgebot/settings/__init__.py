"""What the operator decided: one TOML file, the environment over it, credentials apart from both.

``load`` reads and checks the file and the environment into ``model.Settings``, and tells every fault at
once; ``secrets`` finds an account's credentials; ``paths`` says where the store, its lock and the socket
lie; ``effective`` says what applies and where it came from. This package reads the file, the given
environment and secret files, and nothing else.

``paths``, ``secrets``, ``toml_file`` and what they use do not import the models, so that a command that
only talks to the daemon starts quickly and works while the file has a fault elsewhere.
"""
