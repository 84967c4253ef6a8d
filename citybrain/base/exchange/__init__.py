"""数据交换: data in (sources, checks, quarantine) and out (by key, by filter, in batches, changes), with receipts."""
