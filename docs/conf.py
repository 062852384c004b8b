"""Settings of the documentation."""

from percolyte import __version__

project = "percolyte"
author = "The percolyte developers"
release = __version__
extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"percolyte {release}"
html_show_sphinx = False
