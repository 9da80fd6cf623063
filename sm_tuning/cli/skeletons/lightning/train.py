"""A training script. SageMaker starts it as: python train.py --NAME VALUE … with a value of each hyperparameter.

What it prints is the log, in which the metrics of job.toml are looked for; what it leaves in $SM_MODEL_DIR is the model.
"""

import argparse
import os
from pathlib import Path

import lightning
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--learning_rate", type=float, default=0.01)
parser.add_argument("--batch_size", type=int, default=64)
parser.add_argument("--dropout", type=float, default=0.1)
parser.add_argument("--epochs", type=int, default=5)
hyperparameters, _ = parser.parse_known_args()  # a tuning job may send more than the script knows
model_dir = Path(os.environ.get("SM_MODEL_DIR", "model"))  # becomes model.tar.gz in S3
data_dir = os.environ.get("SM_CHANNEL_TRAIN")  # the folder of the channel "train"; None as long as job.toml has none


class Model(lightning.LightningModule):
    """Your network in place of this."""

    def __init__(self, learning_rate, dropout):
        super().__init__()
        self.save_hyperparameters()
        self.layers = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Dropout(dropout), nn.Linear(64, 2))

    def training_step(self, batch):
        loss = nn.functional.cross_entropy(self.layers(batch[0]), batch[1])
        self.log("train:loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch):
        outputs = self.layers(batch[0])
        self.log("validation:loss", nn.functional.cross_entropy(outputs, batch[1]))
        self.log("validation:accuracy", (outputs.argmax(dim=1) == batch[1]).float().mean())

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.learning_rate)


class Printed(lightning.Callback):
    """Lightning logs to files: this prints what it has logged, a line for each epoch; flush, so that it is in the log at once."""

    def on_train_epoch_end(self, trainer, pl_module):
        values = " ".join(f"{name}={value.item():.6g}" for name, value in trainer.callback_metrics.items())
        print(f"epoch={trainer.current_epoch + 1} {values}", flush=True)


lightning.seed_everything(0)
# Your data in place of this: points inside or outside a circle.
x = torch.rand(2000, 2) * 2 - 1
y = (x.norm(dim=1) > 0.8).long()
train = DataLoader(TensorDataset(x[:1500], y[:1500]), batch_size=hyperparameters.batch_size, shuffle=True)
validation = DataLoader(TensorDataset(x[1500:], y[1500:]), batch_size=500)

trainer = lightning.Trainer(
    max_epochs=hyperparameters.epochs,
    callbacks=[Printed()],
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,  # a bar is for a terminal; in a log it is many lines
    enable_model_summary=False,
    num_sanity_val_steps=0,
)
trainer.fit(Model(hyperparameters.learning_rate, hyperparameters.dropout), train, validation)
model_dir.mkdir(parents=True, exist_ok=True)
trainer.save_checkpoint(model_dir / "model.ckpt")
