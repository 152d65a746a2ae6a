"""Measurements, and the Markdown that is made of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from peers import F32_PEER, INT8_PEERS


@dataclass(frozen=True)
class Measurement:
    """One engine on one network in one setting."""

    network: str
    engine: str
    title: str
    batch: int
    threads: int
    repeats: int
    agreement: float | None
    """Share of the images on which the engine chooses the same class as ONNX Runtime in f32."""
    seconds: list[float]
    """Mean time of a batch in each round."""

    def rate(self) -> float:
        """Images a second, the median of the rounds."""
        return self.batch / median(self.seconds)


def ratio(measurement: Measurement, peer: Measurement | None) -> str:
    """How many times as fast as the peer: the median of the rounds' ratios."""
    if peer is None:
        return "-"
    return f"{median(theirs / own for theirs, own in zip(peer.seconds, measurement.seconds, strict=True)):.2f}"


def fastest(measurements: list[Measurement], engines: list[str]) -> Measurement | None:
    """The fastest of these engines."""
    return max((m for m in measurements if m.engine in engines), key=Measurement.rate, default=None)


def rows(measurements: list[Measurement]) -> Iterator[str]:
    """Lines of a table about one network in one setting."""
    f32, int8 = fastest(measurements, [F32_PEER]), fastest(measurements, INT8_PEERS)
    for m in measurements:
        agreement = "-" if m.agreement is None else f"{100 * m.agreement:.0f}"
        time = 1000 * median(m.seconds)
        yield (f"| {m.network} | {m.title} | {m.rate():.1f} | {time:.2f} | {ratio(m, f32)} | {ratio(m, int8)} | {agreement} |")


def tables(measurements: list[Measurement]) -> Iterator[str]:
    """A table for each setting."""
    for threads, batch in dict.fromkeys((m.threads, m.batch) for m in measurements):
        these = [m for m in measurements if (m.threads, m.batch) == (threads, batch)]
        yield f"\n## {threads} thread{'s' if threads > 1 else ''}, batch {batch}\n"
        yield "| network | engine | images/s (median) | ms a batch | ratio to ORT f32 | ratio to ORT int8 | agreement % |"
        yield "|---|---|---:|---:|---:|---:|---:|"
        for network in dict.fromkeys(m.network for m in these):
            yield from rows([m for m in these if m.network == network])


def markdown(machine: dict[str, Any], rounds: int, measurements: list[Measurement], remarks: list[str]) -> str:
    """All that was measured, and on what."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    before, after = machine["load"]
    head = (
        f"Made by `bench/speed` (spikeconverter at {machine['spikeconverter']}; {versions}) on {machine['processor']}, "
        f"{machine['cores']} cores, {' '.join(machine['flags'])}; {machine['system']}; "
        f"load {before:.1f} before, {after:.1f} after.\n\n"
        f"Medians of {rounds} rounds; the engines take turns in every round. Ratios are medians of the rounds' ratios: above 1 "
        "is faster than the peer. ORT int8 is the faster one of the measured 8-bit variants. Spiking networks with i8 weights take "
        "8-bit pixels, all others preprocessed images. Agreement: images of the batch on which the engine chooses the same class "
        "as ORT f32 (vgg16_cifar has random weights)."
    )
    notes = ["", *(f"* {remark}" for remark in remarks)] if remarks else []
    return "\n".join([head, *notes, *tables(measurements)]) + "\n"
