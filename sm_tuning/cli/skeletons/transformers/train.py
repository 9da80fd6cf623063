"""A training script. SageMaker starts it as: python train.py --NAME VALUE … with a value of each hyperparameter.

What it prints is the log, in which the metrics of job.toml are looked for; what it leaves in $SM_MODEL_DIR is the model.
"""

import argparse
import os
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

parser = argparse.ArgumentParser()
parser.add_argument("--learning_rate", type=float, default=1e-3)
parser.add_argument("--batch_size", type=int, default=16)
parser.add_argument("--weight_decay", type=float, default=0.01)
parser.add_argument("--epochs", type=int, default=2)
hyperparameters, _ = parser.parse_known_args()  # a tuning job may send more than the script knows
model_dir = Path(os.environ.get("SM_MODEL_DIR", "model"))  # becomes model.tar.gz in S3
data_dir = os.environ.get("SM_CHANNEL_TRAIN")  # the folder of the channel "train"; None as long as job.toml has none

torch.manual_seed(0)
# Your data and your model in place of these (from_pretrained with a model that lies in a channel): is there more of token 1 or of 2?
tokens = torch.randint(1, 3, (480, 16))
labels = ((tokens == 1).sum(dim=1) > 8).long()
rows = [{"input_ids": row, "labels": label} for row, label in zip(tokens, labels)]
config = BertConfig(vocab_size=3, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64)
model = BertForSequenceClassification(config)


def metrics(prediction):
    return {"accuracy": float((prediction.predictions.argmax(axis=1) == prediction.label_ids).mean())}


trainer = Trainer(
    model,
    TrainingArguments(
        output_dir=os.environ.get("SM_OUTPUT_DATA_DIR", "output"),
        learning_rate=hyperparameters.learning_rate,
        per_device_train_batch_size=hyperparameters.batch_size,
        weight_decay=hyperparameters.weight_decay,
        num_train_epochs=hyperparameters.epochs,
        eval_strategy="epoch",  # Trainer prints a line with eval_loss, and eval_accuracy of the function above
        logging_strategy="epoch",  # and one with the training loss
        save_strategy="no",
        disable_tqdm=True,  # a bar is for a terminal; without one the lines are printed
        report_to="none",
    ),
    train_dataset=rows[:400],
    eval_dataset=rows[400:],
    compute_metrics=metrics,
)
trainer.train()
trainer.save_model(model_dir)
