"""The torch model. Nothing here imports a text model or the pipeline, and `hub` alone goes online."""
