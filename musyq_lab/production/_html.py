"""nbconvert's HTML without scripts: no MathJax, RequireJS, Mermaid or widget code, all of which it would fetch."""

from __future__ import annotations

from typing import Any

from jinja2 import DictLoader, pass_context
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from musyq_lab.production.report import mathml

_TEMPLATE = """\
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block input -%}
<details class="musyq-code"><summary>{{ resources.code_label }}</summary>{{ super() }}</details>
{%- endblock -%}
{%- block html_head_css -%}
<style>
{{ resources.font_face }}
main { max-width: 62rem; margin: 0 auto; padding: 1rem; }
.jp-InputPrompt, .jp-OutputPrompt { display: none; }
.musyq-code > summary { color: #6b7280; cursor: pointer; font: 0.8rem sans-serif; padding: 0.2rem 0; }
.jp-OutputArea-output img, .jp-OutputArea-output svg { max-width: 100%; height: auto; }
math[display="block"] { margin: 0.8rem 0; }
@media print { .musyq-code { display: none; } }
</style>
{%- endblock -%}
"""


class _Renderer(IPythonRenderer):
    """Markdown with formulas as MathML."""

    def block_math(self, body: str) -> str:
        return mathml(body, block=True)

    def inline_math(self, body: str) -> str:
        return mathml(body, block=False)

    def latex_environment(self, name: str, body: str) -> str:
        return mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", block=True)


class Exporter(HTMLExporter):
    """One page that stands alone: images inside, formulas as MathML, code folded."""

    def __init__(self, **options: Any) -> None:
        loader = DictLoader({"report.html.j2": _TEMPLATE})
        super().__init__(extra_loaders=[loader], template_file="report.html.j2", embed_images=True, **options)  # type: ignore[no-untyped-call]

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Turn a Markdown cell into HTML."""
        renderer = _Renderer(
            escape=False,
            attachments=context.get("cell", {}).get("attachments", {}),
            embed_images=True,
            path=context.get("resources", {}).get("metadata", {}).get("path", ""),
            exclude_anchor_links=True,
        )
        return str(MarkdownWithMath(renderer=renderer).render(source))
