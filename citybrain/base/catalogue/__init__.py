"""数据目录: data sets with their fields and grades; supply, demand, requests and grants."""
