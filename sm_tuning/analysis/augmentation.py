"""Whether training data are of a kind of which changed copies can be made: images, text or audio.

What a table's rows mean does not survive a change, so nothing is said unless the tuning job itself shows the kind: its channels'
content types, its script's and its metrics' names, its hyperparameters, its image.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sm_tuning.analysis.results import Results
from sm_tuning.client.description import TuningJobDescription
from sm_tuning.rules.roles import words


@dataclass(frozen=True)
class Kind:
    """A kind of data. `examples`: changes that keep its meaning; `seen`: what shows that the data are of that kind."""

    data: str
    examples: str
    seen: str = ""


_IMAGES = Kind("images", "shifted, flipped, with other light")
_TEXT = Kind("texts", "with synonyms, with words left out, translated there and back")
_AUDIO = Kind("recordings", "with noise, other pitch and speed")
_CONTENT = (
    (re.compile(r"(?i)image/|application/x-image"), _IMAGES),
    (re.compile(r"(?i)audio/"), _AUDIO),
    (re.compile(r"(?i)text/plain"), _TEXT),
)
# Words of names. What tables have too (`size`, `length`) is not among them.
_NAMES = {
    _IMAGES: "image images img pixels crop flip rotation mixup cutmix resnet vgg efficientnet cnn convnet vit unet yolo mnist cifar10 "
    "cifar100 imagenet iou miou dice psnr ssim",
    _TEXT: "token tokens tokenizer vocab vocabulary bert gpt transformer bleu rouge perplexity text sentence sst2 imdb",
    _AUDIO: "audio speech spectrogram mel mels mfcc wav waveform wer cer wav2vec2 whisper",
}
_WORDS = {word: kind for kind, names in _NAMES.items() for word in names.split()}
_ALGORITHMS = {
    **dict.fromkeys(("image-classification", "object-detection", "semantic-segmentation"), _IMAGES),
    **dict.fromkeys(("blazingtext", "seq2seq"), _TEXT),
}


def augmentable(results: Results) -> Kind | None:
    """The kind of the training data, if changed copies of them can be made and something shows it."""
    job = results.tuning_jobs[0]
    for kind, seen in (*_of_channels(job), *_of_algorithm(job), *_of_names(results)):
        return Kind(kind.data, kind.examples, seen)
    return None


def _of_channels(job: TuningJobDescription) -> Iterator[tuple[Kind, str]]:
    for channel, content in job.content_types.items():
        yield from (
            (kind, f"the channel {channel} has the content type {content}")
            for pattern, kind in _CONTENT
            if pattern.search(content)
        )


def _of_algorithm(job: TuningJobDescription) -> Iterator[tuple[Kind, str]]:
    yield from ((kind, f"the algorithm is {name}") for name, kind in _ALGORITHMS.items() if f"/{name}:" in f"{job.image}:")


def _of_names(results: Results) -> Iterator[tuple[Kind, str]]:
    job = results.tuning_jobs[0]
    script = job.static_hyperparameters.get("sagemaker_program", "")
    names = [
        ("the script is called", script),
        *(("there is the hyperparameter", name) for name in (*results.hyperparameters, *job.static_hyperparameters)),
        *(("there is the metric", name) for name in dict.fromkeys([results.objective.name, *job.metrics])),
    ]
    for what, name in names:
        yield from ((_WORDS[word], f"{what} {name}") for word in words(name) if word in _WORDS)
