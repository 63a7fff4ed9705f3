"""What the command line says and takes: options, output, progress, exit codes."""
