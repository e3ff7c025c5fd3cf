"""Phones, from tables that somebody measured."""

from engine.schema.cost import COUNTED_METRICS
from engine.schema.target import Target

_METRICS = ("latency_ms", *COUNTED_METRICS)

PHONES: tuple[Target, ...] = (
    Target(
        id="pixel1",
        title="Google Pixel 1 (TensorFlow Lite, one big core)",
        description="A phone's CPU in float or 8 bit. There are no kernels below 8 bits: fewer "
        "bits make the file smaller and nothing faster.",
        metrics=_METRICS,
        weight_bits=(8,),
        activation_bits=(8,),
        batch=1,
        float_bits=32,
        provenance="fit",
        validation="Float: the table's own time where it has the block (ProxylessNAS's widths at "
        "224 px), else a fit to it (mean error 7.7 %); totals within 4 % of the two published "
        "networks, MobileNetV2 and Proxyless-mobile. 8 bit: an estimate from the float times.",
        source="Cai et al. 2019 (ProxylessNAS), latency table of its search",
        formula="phone",
        table="pixel1_blocks",
        end_to_end=0.877,  # blocks timed one by one add up to more than the network
        parameters={
            "dense_ms_per_gmac": 147.5,
            "depthwise_ms_per_gmac": 359.1,
            "activation_ms_per_gb": 706.9,
            "weight_ms_per_gb": 0,
            "depthwise_ms_per_goutput": 0,
            "start_ms": 0,
            "first_channels": 32,
            "first_ms": 4.0838,
            "classifier_ms": 0.3096,  # with the pooling before it
        },
    ),
    Target(
        id="note10",
        title="Samsung Galaxy Note10 (TensorFlow Lite)",
        description="A newer phone's CPU in float or 8 bit. There are no kernels below 8 bits: "
        "fewer bits make the file smaller and nothing faster.",
        metrics=_METRICS,
        weight_bits=(8,),
        activation_bits=(8,),
        batch=1,
        float_bits=32,
        provenance="fit",
        validation="Float: a fit to 91 rows of Once-for-all's table, mean error 4.5 %; totals are "
        "sums of operations, compared with no whole network. Classifiers are scaled from the "
        "0.67 ms that the table's takes. 8 bit: an estimate from the float times.",
        source="Cai et al. 2020 (Once-for-all), latency table for the Note10 at 224 px",
        formula="phone",
        parameters={
            "dense_ms_per_gmac": 54.7,
            "depthwise_ms_per_gmac": 204.0,
            "activation_ms_per_gb": 39.5,
            "weight_ms_per_gb": 203.8,
            "depthwise_ms_per_goutput": 407.8,
            "start_ms": 0.0433,
            "first_channels": 24,
            "first_ms": 0.994,
            "classifier_ms": 0.67,
        },
    ),
)
