"""Sphinx's configuration of the site: `make docs` builds it, out of the pages that GitHub shows too.

The source folder is the repository: README and the pages of `docs` link one another alike here and there.
"""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "sm-tuning"
author = "the sm-tuning contributors"
project_copyright = f"{author}, Apache-2.0"
version = release = version_of("sm-tuning")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_external_toc",
    "api_pages",
    "notebooks",
    "offline",
    "repository_links",
]
root_doc = "README"
external_toc_path = "docs/site/toc.yml"
include_patterns = ["*.md", "docs/*.md", "docs/*.ipynb", "docs/decisions/*.md", "docs/reference/*.md", "benchmarks/*.md"]
exclude_patterns = [
    *(".*", "build", "dist", "demo-output", "infra", "local_emulator", "sm_tuning", "tests", "training_scripts"),
    "**/node_modules",
]

# --- Markdown ---------------------------------------------------------------------------------------------------------------

myst_heading_anchors = 4
myst_links_external_new_tab = False
suppress_warnings = ["myst.header"]  # a page may begin deeper, as GitHub allows

# --- names ------------------------------------------------------------------------------------------------------------------

nitpicky = True
# Names of other packages: their inventories lie on the internet, which a build does not need.
nitpick_ignore_regex = [
    (r"py:.*", r"(?!sm_tuning|local_emulator)[\w.]+"),
    (r"py:class", r".*\.(_Job|T)"),  # type variables
    (r"py:class", r"sm_tuning\.spec\.(definition\.DefinitionMembers|job\.TuningJobSpec)"),  # Definition, TuningJob
    (r"py:class", r"local_emulator\.domain\.(tuning\.Plan|history\.Goal)"),  # what a simulation is carried out from
    (r"py:class", r"sm_tuning\.analysis\.results\.Results"),  # `sm_tuning.Results` without its charts
]
default_role = "code"  # docstrings have Markdown's backticks
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
autoclass_content = "both"  # a constructor may have a docstring of its own
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 80
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]  # of dataclasses, whose attributes are parameters
toc_object_entries_show_parents = "hide"

# --- HTML -------------------------------------------------------------------------------------------------------------------

html_theme = "furo"
html_title = f"sm-tuning {version}"
html_additional_pages = {"index": "first_page.html"}
templates_path = ["templates"]
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
smartquotes = False  # they make one dash of the two before an option
html_show_sphinx = False
