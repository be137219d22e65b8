"""What runs a network. Only the modules in here import onnxruntime, torch or transformers."""
