"""Vectors for `rearrange`.

Run: .venv/bin/python tools/oracle/ops_einops.py        writes packages/ondol/src/testing/vectors/ops/einops.json
"""
from opcase import case, floats, write

X = floats(1, 2, 4, 6)

write(
    "ops/einops",
    [
        case("rearrange", X, "b h w -> b w h"),
        case("rearrange", X, "b h w -> (b h) w"),
        case("rearrange", X, "b (h p) w -> b h (w p)", p=2),
        case("rearrange", X, "b (h p) (w q) -> b (h w) (p q)", p=2, q=3),
        case("rearrange", X, "b h w -> (w b h)"),
    ],
)
