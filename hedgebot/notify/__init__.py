"""edge: who is told how the daemon does. ``sd_notify`` tells the service manager that started it."""
