"""A training script. SageMaker starts it as: python train.py --NAME VALUE … with a value of each hyperparameter.

What it prints is the log, in which the metrics of job.toml are looked for; what it leaves in $SM_MODEL_DIR is the model.
"""

import argparse
import os
from pathlib import Path

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

torch.manual_seed(0)
device = "cuda" if torch.cuda.is_available() else "cpu"

# Your data and your network in place of these: points inside or outside a circle.
x = torch.rand(2000, 2) * 2 - 1
y = (x.norm(dim=1) > 0.8).long()
train = DataLoader(TensorDataset(x[:1500], y[:1500]), batch_size=hyperparameters.batch_size, shuffle=True)
validation_x, validation_y = x[1500:].to(device), y[1500:].to(device)
model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Dropout(hyperparameters.dropout), nn.Linear(64, 2)).to(device)

optimizer = torch.optim.Adam(model.parameters(), lr=hyperparameters.learning_rate)
loss_of = nn.CrossEntropyLoss()
for epoch in range(1, hyperparameters.epochs + 1):
    model.train()
    total = 0.0
    for rows, labels in train:
        optimizer.zero_grad()
        loss = loss_of(model(rows.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    model.eval()
    with torch.no_grad():
        outputs = model(validation_x)
        validation_loss = loss_of(outputs, validation_y).item()
        accuracy = (outputs.argmax(dim=1) == validation_y).float().mean().item()
    train_loss = total / len(train.dataset)
    # One line for each epoch; flush, so that it is in the log at once.
    print(
        f"epoch={epoch} train:loss={train_loss:.6g} validation:loss={validation_loss:.6g} validation:accuracy={accuracy:.6g}",
        flush=True,
    )

model_dir.mkdir(parents=True, exist_ok=True)
torch.save(model.state_dict(), model_dir / "model.pt")
