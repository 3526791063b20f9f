"""How the site is built: `make docs`."""

import ganzoo

project = "ganzoo"
author = "the authors of ganzoo"
version = release = ganzoo.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"ganzoo {ganzoo.__version__}"
html_show_copyright = False
myst_heading_anchors = 3
default_role = "py:obj"  # `GAN` in a docstring is a link where there is something to link to
add_module_names = False
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
