"""Networks of the usual shapes, at the width asked for; tests use them too."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class BasicBlock(nn.Module):
    """Two convolutions with batch normalisation, and a shortcut."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """From and to `(batch, channels, height, width)`."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += self.shortcut(x)
        return self.relu(y)


class ResNet18(nn.Module):
    """The 18-layer residual network; `width` 64 is the usual one."""

    def __init__(self, width: int = 64, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 7, 2, 3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        )
        widths = [width, 2 * width, 4 * width, 8 * width]
        blocks, before = [], width
        for stage, after in enumerate(widths):
            for k in range(2):
                blocks.append(BasicBlock(before, after, 2 if stage and not k else 1))
                before = after
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(before, classes)

    def forward(self, x: Tensor) -> Tensor:
        """From `(batch, 3, height, width)` to `(batch, classes)`."""
        return self.head(torch.flatten(self.pool(self.blocks(self.stem(x))), 1))


class RMSNorm(nn.Module):
    """Root mean square normalisation written out, as in many language models."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """From and to `(..., width)`."""
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


def rotate(x: Tensor, base: float = 10000.0) -> Tensor:
    """Rotary embedding of `(batch, heads, length, d)` in halves."""
    length, d = x.shape[-2:]
    rates = base ** (-torch.arange(0, d, 2, dtype=x.dtype) / d)
    angles = torch.arange(length, dtype=x.dtype)[:, None] * rates
    cos, sin = torch.cat([angles.cos()] * 2, -1), torch.cat([angles.sin()] * 2, -1)
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


class Attention(nn.Module):
    """Grouped queries with rotary positions."""

    def __init__(self, width: int, heads: int, groups: int, bias: bool = False, rotary: bool = True) -> None:
        super().__init__()
        self.heads, self.groups, self.d, self.rotary = heads, groups, width // heads, rotary
        self.q = nn.Linear(width, width, bias=bias)
        self.k = nn.Linear(width, groups * self.d, bias=bias)
        self.v = nn.Linear(width, groups * self.d, bias=bias)
        self.o = nn.Linear(width, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """From and to `(batch, length, width)`."""
        b, t, _ = x.shape
        q = self.q(x).view(b, t, self.heads, self.d).transpose(1, 2)
        k = self.k(x).view(b, t, self.groups, self.d).transpose(1, 2)
        v = self.v(x).view(b, t, self.groups, self.d).transpose(1, 2)
        if self.rotary:
            q, k = rotate(q), rotate(k)
        k, v = (z.repeat_interleave(self.heads // self.groups, dim=1) for z in (k, v))
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o(y.transpose(1, 2).reshape(b, t, -1))


class SwiGLU(nn.Module):
    """Gated linear unit."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, hidden, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """From and to `(..., width)`."""
        return self.down(functional.silu(self.gate(x)) * self.up(x))


class Layer(nn.Module):
    """One layer of a decoder."""

    def __init__(self, width: int, heads: int, groups: int, hidden: int, bias: bool, rotary: bool) -> None:
        super().__init__()
        self.norm1, self.attention = RMSNorm(width), Attention(width, heads, groups, bias, rotary)
        self.norm2, self.mlp = RMSNorm(width), SwiGLU(width, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """From and to `(batch, length, width)`."""
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    """A decoder with rotary positions, grouped queries, gated units and root mean square normalisation."""

    def __init__(
        self, vocabulary: int = 11, width: int = 16, heads: int = 4, groups: int = 2, hidden: int = 24,
        layers: int = 4, bias: bool = False, rotary: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.layers = nn.Sequential(*(Layer(width, heads, groups, hidden, bias, rotary) for _ in range(layers)))
        self.norm, self.head = RMSNorm(width), nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """From tokens `(batch, length)` to `(batch, length, vocabulary)`."""
        return self.head(self.norm(self.layers(self.embedding(tokens))))
