"""Ids and titles that try to break out of a page."""

HOSTILE = (
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 2</script>",
    "\"><img src=x onerror='window.hacked=3'>",
    "' onmouseover='window.hacked=4' x='",
    "a\u2028b\u2029c",
    "nul\x00bell\x07escape\x1b[31m",
    "\u202egnp.exe \u2066isolate",
    "שלום עולם (2024)",
    "<!--<script>",
    "{{ 7 * 7 }} {% include 'x' %}",
    "${alert(1)} `backtick` \\",
    "]]>&lt;b&gt;&amp;",
    "javascript:window.hacked=5",
    "http://tracker.example/pixel.png",
    "x" * 5000,
    "👩‍👩‍👧 قهوة",
)
