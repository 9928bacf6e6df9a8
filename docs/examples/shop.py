"""From events to lists in Python: cells for a notebook, or a script for `python docs/examples/shop.py`."""

# %% [markdown]
# Read the events of the sample shop. Run this from the root of the repository.

# %%
import polars as pl

from als_cli import Dataset, Model, evaluate

events = pl.read_parquet("sample_data/events.parquet")
titles = pl.read_parquet("sample_data/catalog.parquet").select("item_id", "title")
print(events.head())

# %% [markdown]
# Check the events and aggregate them: one strength per pair of user and item.

# %%
dataset = Dataset.from_events(
    events,
    columns={"timestamp": "ts", "type": "event", "value": "quantity"},
    types={"view": 1, "cart": 3, "purchase": 5},
    half_life="30d",
)
print(dataset)

# %% [markdown]
# Is a model better than a list of popular items? The last week is the test set.

# %%
report = evaluate(dataset, train={"factors": 16}, at=[10], split={"by": "time", "test": "7d"})
print(pl.DataFrame({"method": m.method, "ndcg@10": m.metrics["ndcg@10"]} for m in report.methods))

# %% [markdown]
# Train on all events, and look at the list of one user beside its reasons.

# %%
model = Model.train(dataset, factors=16)
lists = model.recommend(dataset, ["u00039"], top_n=10, because=2)
print(lists.join(titles, on="item_id").sort("rank").select("rank", "title", "score", "because"))

# %% [markdown]
# Lists for all users, as a file.

# %%
model.recommend(dataset, top_n=10).write_parquet("lists.parquet")
