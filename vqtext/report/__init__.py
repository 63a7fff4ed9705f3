"""Figures and the HTML report: plain data in (`content`), one self-contained page out (`html.render`)."""
