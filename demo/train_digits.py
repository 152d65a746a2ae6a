"""Trains the network that ships with the demo and writes it beside this file.

    python demo/train_digits.py              trains on the 1,197 training images, writes the files, measures the test accuracy
    python demo/train_digits.py --validate   trains on 997 of them, prints the accuracy on the other 200, writes nothing

The recipe was chosen with --validate alone: the 600 test images are read once, after the network is written.
"""

import argparse
import math
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

SEED = 0
TRAIN_IMAGES, CALIBRATION_IMAGES, VALIDATION_IMAGES = 1197, 256, 200
EPOCHS, BATCH, PEAK_RATE, WEIGHT_DECAY = 100, 64, 0.01, 0.01
SCALE = 1 / 16  # pixels are 0..16
HERE = Path(__file__).parent


class Block(nn.Module):
    """Two convolutions around a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(x + self.bn2(self.conv2(y)))


class DigitNet(nn.Module):
    """Input [N, 1, 8, 8] in 0..1, output logits [N, 10]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(32)
        self.pool = nn.MaxPool2d(2)
        self.block = Block(32)
        self.fc = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.pool(F.relu(self.bn2(self.conv2(x))))
        x = F.adaptive_avg_pool2d(self.block(x), 1)
        return self.fc(torch.flatten(x, 1))


def split() -> tuple[np.ndarray, np.ndarray]:
    """All images (uint8 [1797, 8, 8], values 0..16) and labels (uint8 [1797]), in the fixed shuffled order of the split."""
    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.target))
    return digits.images[order].astype(np.uint8), digits.target[order].astype(np.uint8)


def prepare(x: np.ndarray) -> Tensor:
    return torch.from_numpy(x.astype(np.float32) * SCALE)[:, None]


def jitter(x: Tensor) -> Tensor:
    """Rotates by up to 12 degrees, scales by up to 10 % and shifts by up to half a pixel."""
    n = len(x)
    angle = (torch.rand(n) * 2 - 1) * math.radians(12)
    scale = 1 + (torch.rand(n) * 2 - 1) * 0.1
    shift = (torch.rand(n, 2) * 2 - 1) * 0.125
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.stack([torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)], 1)
    return F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), align_corners=False)


def train(x: Tensor, y: Tensor) -> DigitNet:
    torch.manual_seed(SEED)
    net = DigitNet()
    steps = EPOCHS * (len(x) // BATCH)
    optimizer = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps)
    net.train()
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x))[: len(x) // BATCH * BATCH].split(BATCH):
            loss = F.cross_entropy(net(jitter(x[batch])), y[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return net.eval()


def export(net: DigitNet, path: Path) -> None:
    """Writes the network with its batch normalisations kept as nodes and a free batch axis."""
    torch.onnx.export(
        net,
        (torch.zeros(1, 1, 8, 8),),
        path,
        dynamo=False,
        opset_version=17,
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
        input_names=["input"],
        output_names=["logits"],
        dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}},
    )
    onnx.checker.check_model(path, full_check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--validate", action="store_true", help="judge the recipe on held-out training images; write nothing")
    validate = parser.parse_args().validate
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    x, y = split()
    fit = TRAIN_IMAGES - VALIDATION_IMAGES if validate else TRAIN_IMAGES
    net = train(prepare(x[:fit]), torch.from_numpy(y[:fit].astype(np.int64)))
    if validate:
        with torch.no_grad():
            guess = net(prepare(x[fit:TRAIN_IMAGES])).argmax(1).numpy()
        print(f"validation: {(guess == y[fit:TRAIN_IMAGES]).mean():.2%} of {VALIDATION_IMAGES}")
        return

    model = HERE / "digits.onnx"
    export(net, model)
    np.savez_compressed(HERE / "digits-train.npz", x=x[:CALIBRATION_IMAGES], y=y[:CALIBRATION_IMAGES])
    np.savez_compressed(HERE / "digits-test.npz", x=x[TRAIN_IMAGES:], y=y[TRAIN_IMAGES:])

    test_x, test_y = x[TRAIN_IMAGES:], y[TRAIN_IMAGES:]
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"input": prepare(test_x).numpy()})
    correct = int((logits.argmax(1) == test_y).sum())
    print(f"test: {correct} of {len(test_y)} correct, {correct / len(test_y):.2%}; {model.name}: {model.stat().st_size} bytes")


if __name__ == "__main__":
    main()
