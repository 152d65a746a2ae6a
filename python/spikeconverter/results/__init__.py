"""What the functions of this package find: small records that print as tables and become frames."""

from __future__ import annotations

from .check import Check, CheckTotals, NodeVerdict
from .comparison import Cell, Comparison, Fronts, Skipped
from .conversion import Conversion, ConvertedLayer, Description, Layer, Schedule
from .evaluation import EvaluatedLayer, Evaluation, StepsUsed
from .explanation import Advice, ErrorParts, ExplainedLayer, Explanation, FiringRates, WrongSample
from .export import Adjustment, Export, Verdict
from .method import Method
from .nir import FiringNode, NirDescription, NirEvaluation, NirNode
from .search import Candidate, Chosen, Figures, Interval, Search, Trial

__all__ = [
    "Adjustment",
    "Advice",
    "Candidate",
    "Cell",
    "Check",
    "CheckTotals",
    "Chosen",
    "Comparison",
    "Conversion",
    "ConvertedLayer",
    "Description",
    "ErrorParts",
    "EvaluatedLayer",
    "Evaluation",
    "ExplainedLayer",
    "Explanation",
    "Export",
    "Figures",
    "FiringNode",
    "FiringRates",
    "Fronts",
    "Interval",
    "Layer",
    "Method",
    "NirDescription",
    "NirEvaluation",
    "NirNode",
    "NodeVerdict",
    "Schedule",
    "Search",
    "Skipped",
    "StepsUsed",
    "Trial",
    "Verdict",
    "WrongSample",
]
