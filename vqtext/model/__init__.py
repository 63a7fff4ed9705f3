"""The torch model. Nothing here imports a text model, the network or the pipeline."""
