"""Small PyTorch networks in the styles that users bring. `NETS` maps a name to a class and its input's shape per sample."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv_bn(
    i: int, o: int, kernel: int = 3, stride: int = 1, groups: int = 1, relu6: bool = False, act: bool = True
) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(i, o, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, *([nn.ReLU6() if relu6 else nn.ReLU()] if act else []))


def head(channels: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 5)]


class Plain(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(conv_bn(3, 8), nn.MaxPool2d(2), conv_bn(8, 12), nn.Dropout(0.5), nn.Flatten(), nn.Linear(12 * 64, 5))


class NormFirst(nn.Sequential):
    """Batch normalisation before a padded convolution: it cannot be folded forwards."""

    def __init__(self) -> None:
        super().__init__(nn.BatchNorm2d(3), nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(8), *head(8))


class ShortcutA(nn.Module):
    """Residual block whose shortcut drops every second pixel and pads channels with zeros."""

    def __init__(self, i: int, o: int, stride: int) -> None:
        super().__init__()
        self.stride, self.extra = stride, o - i
        self.body = nn.Sequential(conv_bn(i, o, stride=stride), conv_bn(o, o, act=False))

    def forward(self, x: Tensor) -> Tensor:
        y = x
        if self.stride != 1 or self.extra:
            y = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.extra // 2, self.extra // 2))
        return F.relu(self.body(x) + y)


class ResidualA(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(conv_bn(3, 8), ShortcutA(8, 8, 1), ShortcutA(8, 12, 2), ShortcutA(12, 16, 2), *head(16))


class ShortcutB(nn.Module):
    """Residual block with a 1x1 convolution as shortcut; not in place, so the sum is read twice."""

    def __init__(self, i: int, o: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv_bn(i, o, stride=2), conv_bn(o, o, act=False))
        self.short = conv_bn(i, o, 1, 2, act=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        y += self.short(x)
        return F.relu(y)


class ResidualB(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(conv_bn(3, 8), nn.MaxPool2d(3, 2, 1), ShortcutB(8, 12), *head(12))


class Inverted(nn.Module):
    def __init__(self, i: int, o: int, stride: int) -> None:
        super().__init__()
        wide = 3 * i
        self.keep = i == o and stride == 1
        self.body = nn.Sequential(
            conv_bn(i, wide, 1, relu6=True), conv_bn(wide, wide, 3, stride, wide, relu6=True), conv_bn(wide, o, 1, act=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.keep else self.body(x)


class MobileNetV2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv_bn(3, 8, 3, 2, relu6=True), Inverted(8, 8, 1), Inverted(8, 12, 2), conv_bn(12, 24, 1, relu6=True)
        )
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(24, 5))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), (1, 1)).reshape(x.shape[0], -1))


class DilatedGrouped(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(4, 8, 3, padding=2, dilation=2, groups=2), nn.ReLU(),
            nn.Conv2d(8, 12, (3, 5), stride=(2, 1), padding=(0, 2), dilation=(1, 2), groups=4), nn.ReLU(), *head(12),
        )  # fmt: skip


class Asymmetric(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.ZeroPad2d((0, 1, 0, 1)),
            nn.Conv2d(3, 8, 3, 2),
            nn.ReLU(),
            nn.ConstantPad2d((2, 1, 0, 3), 0.5),
            nn.Conv2d(8, 8, 3),
            nn.ReLU(),
            *head(8),
        )


class SamePadding(nn.Sequential):
    """padding="same" with an even kernel pads one side more than the other."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 8, 4, padding="same"), nn.ReLU(), nn.Conv2d(8, 8, 2, padding="valid"), nn.ReLU(), *head(8))


class Decoder(nn.Sequential):
    """Ends in an image, not in classes."""

    def __init__(self) -> None:
        super().__init__(
            nn.ConvTranspose2d(4, 8, 3, stride=2, padding=1, output_padding=1), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(8, 6, 3, padding=1), nn.ReLU(),
            nn.ConvTranspose2d(6, 4, 2, stride=2, groups=2), nn.ReLU(),
            nn.ConvTranspose2d(4, 2, 3, dilation=2, bias=False),
        )  # fmt: skip


class UpsampleSize(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Upsample(size=(12, 18), mode="nearest"), nn.Conv2d(4, 4, 3), nn.ReLU(), *head(4)
        )


class Conv1d(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv1d(4, 8, 5, stride=2, padding=2), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(8, 8, 3, padding=2, dilation=2, groups=8), nn.ReLU(), nn.AvgPool1d(2), nn.AdaptiveAvgPool1d(1),
            nn.Flatten(), nn.Linear(8, 5),
        )  # fmt: skip


class Leaky(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 8, 3), nn.PReLU(8), nn.Conv2d(8, 8, 3), nn.PReLU(), nn.Conv2d(8, 8, 3), nn.LeakyReLU(0.1),
            nn.Flatten(), nn.Linear(8 * 36, 8), nn.PReLU(8), nn.Linear(8, 5),
        )  # fmt: skip


class Fire(nn.Module):
    def __init__(self, i: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze, self.expand1, self.expand3 = (
            nn.Conv2d(i, squeeze, 1),
            nn.Conv2d(squeeze, expand, 1),
            nn.Conv2d(squeeze, expand, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.expand1(x)), F.relu(self.expand3(x))], 1)


class SqueezeNet(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 8, 3, 2),
            nn.ReLU(),
            Fire(8, 4, 6),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(12, 4, 8),
            nn.Conv2d(16, 5, 1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )


class MaxPools(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 6, 3, padding=1), nn.MaxPool2d(3, 2, ceil_mode=True), nn.MaxPool2d(3, 1, padding=1), nn.MaxPool2d((2, 3), (1, 2), dilation=(2, 1)),
            nn.ReLU(), nn.MaxPool2d(3, 2, padding=1, ceil_mode=True), nn.Flatten(), nn.LazyLinear(5),
        )  # fmt: skip


class AvgPools(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.AvgPool2d(3, 1, padding=1, count_include_pad=True), nn.AvgPool2d(3, 2, padding=1, count_include_pad=False),
            nn.AvgPool2d(3, 2, ceil_mode=True), nn.Flatten(), nn.LazyLinear(5),
        )  # fmt: skip


class AvgPoolCeilPad(nn.Sequential):
    """With ceil_mode and padding the last window's divisor is where implementations disagree."""

    def __init__(self, include: bool) -> None:
        super().__init__(
            nn.Conv2d(3, 6, 3, padding=1),
            nn.ReLU(),
            nn.AvgPool2d(3, 2, padding=1, ceil_mode=True, count_include_pad=include),
            nn.Flatten(),
            nn.LazyLinear(5),
        )


class Adaptive(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 6, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d((4, 2)),
            nn.Conv2d(6, 6, (2, 1)),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(6, 5),
        )


class AdaptiveMax(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(6, 5))


class Tail(nn.Module):
    """A convolution, then `way` of bringing the image to a row."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.conv = nn.Conv2d(3, 6, 3)
        self.fc = nn.Linear(6 if way.startswith("mean") else 6 * 36, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv(x))
        match self.way:
            case "mean":
                x = x.mean((2, 3))
            case "mean_keep":
                x = x.mean((2, 3), keepdim=True).squeeze(3).squeeze(2)
            case "mean_twice":
                x = x.mean(3).mean(2)
            case "view":
                x = x.view(x.size(0), -1)
            case "view_fixed":
                x = x.view(-1, 6 * 36)
            case "reshape":
                x = x.reshape(x.shape[0], x.shape[1] * x.shape[2] * x.shape[3])
            case "flatten":
                x = torch.flatten(x, 1)
            case "permute":
                x = x.permute(0, 2, 3, 1).flatten(1)
        return self.fc(x)


class Pads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.fc = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv(F.pad(x, (1, 2, 0, 1))))
        x = F.relu(self.conv(F.pad(x, (0, 0, 0, 0, 0, 0))[:, :3]))
        return self.fc(x[:, :, 1:-1, :].mean((2, 3)))


class Normalized(nn.Module):
    """Subtracts the mean and divides by the deviation inside the network, before a padded convolution."""

    center: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("center", torch.tensor([0.5, 0.4, 0.3]).view(1, 3, 1, 1))
        self.register_buffer("spread", torch.tensor([0.2, 0.3, 0.25]).view(1, 3, 1, 1))
        self.body = nn.Sequential(conv_bn(3, 8), *head(8))

    def forward(self, x: Tensor) -> Tensor:
        return self.body((x - self.center) / self.spread)


class Mlp(nn.Sequential):
    def __init__(self, final: nn.Module | None = None, norm: bool = False) -> None:
        hidden = [nn.BatchNorm1d(16)] if norm else []
        super().__init__(
            nn.Linear(20, 16),
            *hidden,
            nn.ReLU(),
            nn.Linear(16, 12, bias=False),
            nn.ReLU(),
            nn.Linear(12, 5),
            *([final] if final else []),
        )


class Constants(nn.Module):
    """Weights and biases that the graph computes from constants."""

    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.gain = nn.Parameter(torch.rand(6, 1, 1) + 0.5)
        self.register_buffer("mask", (torch.arange(6 * 27) % 3 > 0).float().view(6, 3, 3, 3))
        self.shift = nn.Parameter(torch.randn(1, 6, 1, 1))
        self.scale = nn.Parameter(torch.tensor(0.7))
        self.fc = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv2d(x, self.conv.weight * self.mask * 2.0, self.conv.bias)
        x = F.relu(x * self.gain + F.relu(self.shift)) / 2 - 0.125
        return self.fc(self.scale * x.mean((2, 3)))


class Clamps(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(20, 16), nn.Linear(16, 12), nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.clamp(self.a(x), 0, 1)
        return self.c(F.hardtanh(self.b(x).clamp(min=0), 0.0, 4.0))


IMAGE, ROW = (3, 16, 16), (20,)

NETS: dict[str, tuple[type[nn.Module], tuple[object, ...], tuple[int, ...]]] = {
    "plain": (Plain, (), IMAGE),
    "norm_first": (NormFirst, (), IMAGE),
    "residual_a": (ResidualA, (), IMAGE),
    "residual_b": (ResidualB, (), IMAGE),
    "mobilenet_v2": (MobileNetV2, (), IMAGE),
    "dilated_grouped": (DilatedGrouped, (), (4, 16, 16)),
    "asymmetric": (Asymmetric, (), IMAGE),
    "same_padding": (SamePadding, (), IMAGE),
    "decoder": (Decoder, (), (4, 5, 6)),
    "upsample_size": (UpsampleSize, (), (3, 8, 8)),
    "conv1d": (Conv1d, (), (4, 32)),
    "leaky": (Leaky, (), (3, 12, 12)),
    "squeezenet": (SqueezeNet, (), (3, 17, 17)),
    "maxpools": (MaxPools, (), (3, 18, 17)),
    "avgpools": (AvgPools, (), (3, 16, 17)),
    "avgpool_ceil_pad": (AvgPoolCeilPad, (True,), (3, 8, 10)),
    "avgpool_ceil_pad_exclude": (AvgPoolCeilPad, (False,), (3, 8, 10)),
    "adaptive": (Adaptive, (), IMAGE),
    "adaptive_max": (AdaptiveMax, (), IMAGE),
    **{
        way: (Tail, (way,), (3, 8, 8))
        for way in ("mean", "mean_keep", "mean_twice", "view", "view_fixed", "reshape", "flatten", "permute")
    },
    "pads": (Pads, (), (3, 8, 9)),
    "normalized": (Normalized, (), IMAGE),
    "mlp": (Mlp, (), ROW),
    "mlp_norm": (Mlp, (None, True), ROW),
    "sigmoid": (Mlp, (nn.Sigmoid(),), ROW),
    "softmax": (Mlp, (nn.Softmax(1),), ROW),
    "log_softmax": (Mlp, (nn.LogSoftmax(-1),), ROW),
    "constants": (Constants, (), IMAGE),
    "clamps": (Clamps, (), ROW),
}


def build(name: str) -> nn.Module:
    """The network in evaluation mode, with seeded weights and batch statistics as after training."""
    kind, arguments, shape = NETS[name]
    torch.manual_seed(sum(name.encode()))
    net = kind(*arguments).eval()
    net(torch.zeros(1, *shape))  # gives lazy layers their size
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.2)
            if isinstance(module, nn.PReLU):
                module.weight.uniform_(0.05, 0.4)
    return net
