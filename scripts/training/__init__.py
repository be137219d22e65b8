"""How the bundled model is made: rows, vocabulary, distilling, fitting, measuring, export (needs the `train` extra)."""
