"""What can be read out of a mention, as the pages call it."""

from api.dashboard.language import N_

STANCES = {
    "-2": N_("strongly against"),
    "-1": N_("against"),
    "0": N_("neither"),
    "1": N_("in favour"),
    "2": N_("strongly in favour"),
}

POLARITIES = {"negative": N_("negative"), "neutral": N_("neutral"), "positive": N_("positive")}

LABELS = {
    "promoter": N_("promoter"),
    "passive": N_("passive"),
    "detractor": N_("detractor"),
    "none": N_("without a label"),
    "unscored": N_("not scored yet"),
}

BESIDES = {
    "irony": N_("irony"),
    "offensive": N_("offensive"),
    "complaint": N_("complaint"),
    "relevance": N_("relevance"),
}

CORRECTED = {"stance": N_("stance"), "polarity": N_("polarity"), "relevance": N_("relevance")}

SAID = STANCES | POLARITIES | {"about": N_("about the brand"), "not_about": N_("not about the brand")}
"""Everything that a correction can say."""
