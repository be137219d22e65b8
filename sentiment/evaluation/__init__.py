"""Accuracy on labelled data: figures with intervals and baselines, calibration, shares, and the report of them all.

`running.evaluate_file` measures a model on a file; the measures themselves are functions of plain arrays.
"""
