"""An executed notebook as one HTML file that needs no network: figures inside, equations as MathML, code folded."""

from __future__ import annotations

import base64
import html
import re
from pathlib import Path

from musyq_lab.core.resources import resource

# A tag or style that would fetch something; links a reader clicks (<a href>) and XML namespaces fetch nothing.
_LOADS = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed|object|input)\b[^>]*?\b(?:src|data)\s*=\s*["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|<link\b[^>]*?\bhref\s*=\s*["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|url\(\s*["']?((?:https?:)?//[^"')\s]+)"""
    r"""|@import\s+["']((?:https?:)?//[^"']+)"""
    r"""|\bimport\s*\(\s*["']((?:https?:)?//[^"']+)"""
    r"""|\bfetch\s*\(\s*["']((?:https?:)?//[^"']+)""",
    re.IGNORECASE,
)


def write_html(notebook: Path, target: Path, title: str, language: str = "en") -> None:
    """Write an executed notebook as one HTML file.

    Parameters
    ----------
    notebook : Path
        The executed notebook.
    target : Path
        The HTML file.
    title : str
        Title of the page.
    language : str
        ``"en"`` or ``"zh"``: language of the page and of its label for folded code.
    """
    import nbformat

    from musyq_lab.production._html import Exporter

    content = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    content.metadata["title"] = title
    chinese = language == "zh"
    resources = {
        "metadata": {"path": str(notebook.parent)},
        "code_label": "代码" if chinese else "Code",
        "font_face": _font_face() if chinese else "",
    }
    page, _ = Exporter(language_code=language).from_notebook_node(content, resources=resources)
    target.write_text(page, encoding="utf-8")


def _font_face() -> str:
    """Return a style with the shipped Chinese glyphs, for readers whose machine has none."""
    data = base64.b64encode(resource("catalogs/samples/fonts/NotoSansSC-subset.ttf").read_bytes()).decode("ascii")
    family = (
        "'Noto Sans', 'Helvetica Neue', Arial, 'Noto Sans SC', 'Noto Sans CJK SC', 'MuSyQ Noto Sans SC', sans-serif"
    )
    return (
        f"@font-face {{ font-family: 'MuSyQ Noto Sans SC'; src: url(data:font/ttf;base64,{data}); }}\n"
        f":root, body {{ --jp-content-font-family: {family}; --jp-ui-font-family: {family}; font-family: {family}; }}\n"
        f".musyq-code > summary {{ font-family: {family}; }}"
    )


def mathml(tex: str, *, block: bool) -> str:
    """Return a formula as MathML, which browsers show without any script; as its TeX source where that fails.

    Parameters
    ----------
    tex : str
        Formula without its dollar signs.
    block : bool
        Whether it stands on a line of its own.
    """
    try:
        from latex2mathml.converter import convert

        # The converter knows align, which is the same thing outside a numbered equation.
        plain = re.sub(r"\\(begin|end)\{(aligned|split|equation\*?)\}", _environment, tex)
        return str(convert(plain, display="block" if block else "inline"))
    except Exception:  # the library raises a dozen classes; the reader still gets the source
        tag = "pre" if block else "code"
        return f'<{tag} class="tex">{html.escape(tex)}</{tag}>'


def _environment(found: re.Match[str]) -> str:
    return "" if found.group(2).startswith("equation") else rf"\{found.group(1)}{{align*}}"


def remote_loads(page: str) -> list[str]:
    """Return the addresses a browser would fetch to show a page; empty for a page that stands alone.

    Parameters
    ----------
    page : str
        HTML.
    """
    return sorted({next(filter(None, groups)) for groups in _LOADS.findall(page)})
