"""Parquet files of another writer than the `parquet` crate, which writes no page checksums.

pip install pyarrow, then `python make.py`; the files here are of the version that is printed.
"""

import pyarrow as pa
import pyarrow.parquet as pq

TEXTS = [f"text {n}" for n in range(50)]

print(pa.__version__)
table = pa.table({"text": TEXTS, "generations": [[f"a{n}", None, f"c{n}"] for n in range(50)]})
pq.write_table(table, "checksums.parquet", compression="none", use_dictionary=False, write_page_checksum=True, write_statistics=False, store_schema=False)
for name in ["gzip", "brotli", "lz4", "snappy", "zstd"]:
    pq.write_table(table, f"{name}.parquet", compression=name, data_page_version="2.0", store_schema=False)
# As a file may be, and no writer of ours makes it: two columns of one name.
twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
pq.write_table(twice, "twice.parquet", store_schema=False)
