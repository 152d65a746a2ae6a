"""Where spikes that differ between two simulations of a streaming network come from.

A neuron whose first different spike comes at step t either follows others: a neuron that reaches it through synapses had a
different spike at a step up to t; or it begins a difference, for which its membrane must lie within rounding of the
threshold in both simulations. What is neither is not traced.
"""

from dataclasses import dataclass

import torch

ROUNDING = 1e-4
"""How far from the threshold, as a share of it, a membrane may lie to fire in one simulation only."""


@dataclass
class Trace:
    """Neurons whose spikes differ."""

    begin: int = 0
    """They begin a difference within rounding of the threshold."""
    follow: int = 0
    """They are reached by others that differed before, or in the same step."""
    untraced: int = 0

    def __add__(self, other):
        return Trace(self.begin + other.begin, self.follow + other.follow, self.untraced + other.untraced)


@dataclass
class Train:
    """A population's spikes and its membranes after each step, both [steps, ...]."""

    spikes: torch.Tensor
    membranes: torch.Tensor
    threshold: float

    def charged(self):
        """The membranes before the reset by subtraction."""
        return self.membranes + self.threshold * self.spikes


def trace(model, ours, theirs):
    """Traces the differences of one sample. `model` has the nodes, with `model.reach(op, inputs)` to say which elements of
    a result any of the marked elements of the inputs reach; `ours` and `theirs` map numbers of nodes to trains."""
    found = Trace()
    steps = model.steps
    marked = [torch.zeros(steps, *model.input_shape)]
    for number, node in enumerate(model.nodes, start=1):
        kind, inputs = node["kind"], [marked[i] for i in node["inputs"]]
        if "synapse" in kind:
            marked.append(model.reach(kind["synapse"], inputs))
        elif "streaming" in kind:
            a, b = ours[number], theirs[number]
            differs = a.spikes != b.spikes
            begun = differs.cumsum(0) > 0
            first = begun & (begun.cumsum(0) == 1)
            reached = inputs[0] > 0
            near = [(train.charged() - train.threshold).abs() <= ROUNDING * train.threshold for train in (a, b)]
            close = near[0] & near[1]
            found += Trace(
                begin=int((first & ~reached & close).sum()),
                follow=int((first & reached).sum()),
                untraced=int((first & ~reached & ~close).sum()),
            )
            # what differed once stays another membrane
            marked.append(begun.float())
        else:
            marked.append(inputs[0])
    return found
