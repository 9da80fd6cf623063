"""The ground: what tuning and training jobs are. Frozen types over the standard library, importing nothing of ours above."""
