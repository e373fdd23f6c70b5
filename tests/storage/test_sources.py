from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import polars as pl
import pytest

from hertz.core.errors import SourceError
from hertz.storage.sources import ACCEPTED, read_source

PEOPLE = pl.DataFrame({"id": [1, 2, 3], "town": ["서울", None, "부산"], "likes": [["a"], [], None]})


def refusal(source: Path | str, query: str | None = None) -> str:
    with pytest.raises(SourceError) as caught:
        read_source(str(source), query)
    return str(caught.value)


def database(folder: Path, rows: list[tuple[object, ...]], columns: str = "id, town") -> str:
    path = folder / "people.db"
    connection = sqlite3.connect(path)
    connection.execute(f"create table people ({columns})")
    marks = ", ".join("?" for _ in columns.split(","))
    connection.executemany(f"insert into people values ({marks})", rows)
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


# ---- Parquet -------------------------------------------------------------------------------------


def test_parquet_comes_back_as_written(tmp_path: Path) -> None:
    PEOPLE.write_parquet(tmp_path / "people.parquet")
    source = read_source(str(tmp_path / "people.parquet"))
    assert source.frame.equals(PEOPLE)
    assert source.rejected == ()


def test_a_name_with_pattern_characters_is_one_file(tmp_path: Path) -> None:
    PEOPLE.write_parquet(tmp_path / "people[1]*.parquet")
    assert read_source(str(tmp_path / "people[1]*.parquet")).frame.equals(PEOPLE)


def test_a_folder_of_parquet_files_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    PEOPLE.head(1).write_parquet(tmp_path / "b.parquet")
    PEOPLE.tail(2).with_columns(age=pl.lit(4)).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "notes.txt").write_text("not read")
    frame = read_source(str(tmp_path)).frame
    assert frame["id"].to_list() == [2, 3, 1]
    assert frame["age"].to_list() == [4, 4, None]


def test_files_of_a_folder_may_differ_in_a_column_s_type(tmp_path: Path) -> None:
    pl.DataFrame({"id": [1]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"id": ["2"]}).write_parquet(tmp_path / "b.parquet")
    assert read_source(str(tmp_path)).frame["id"].to_list() == ["1", "2"]


def test_files_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    pl.DataFrame({"id": [[1]]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"id": [{"x": 2}]}).write_parquet(tmp_path / "b.parquet")
    assert "do not fit together" in refusal(tmp_path)


def test_a_folder_without_parquet_files_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path)
    assert str(tmp_path) in message
    assert ACCEPTED in message


@pytest.mark.parametrize("size", [1, 100, 600])
def test_a_cut_parquet_file_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "people.parquet"
    PEOPLE.write_parquet(path)
    path.write_bytes(path.read_bytes()[:size])
    assert "people.parquet: cannot be read" in refusal(path)


def test_a_corrupt_file_in_a_folder_is_named(tmp_path: Path) -> None:
    PEOPLE.write_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 nonsense PAR1")
    assert "b.parquet: cannot be read" in refusal(tmp_path)


# ---- CSV -----------------------------------------------------------------------------------------


def test_csv_is_text_throughout(tmp_path: Path) -> None:
    rows = [f"{n},{n % 7}" for n in range(60_000)]
    rows[50_000] = "abc,x"
    path = tmp_path / "people.csv"
    path.write_text("id,group\n" + "\n".join(rows))
    frame = read_source(str(path)).frame
    assert frame.dtypes == [pl.String, pl.String]
    assert frame.row(50_000) == ("abc", "x")
    assert frame.height == 60_000


def test_csv_keeps_quoted_commas_quotes_and_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "people.CSV"
    path.write_bytes('\ufeffid,bio\r\n1,"a, ""b""\nc"\r\n\r\n2,한글\r\n'.encode())
    source = read_source(str(path))
    assert source.frame.rows() == [("1", 'a, "b"\nc'), ("2", "한글")]
    assert source.rejected == ()


def test_bad_csv_rows_are_reported_and_the_others_load(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text('id,town\n1,a\n2\n3,b,c\n4,"d" e\n5,f\n')
    source = read_source(str(path))
    assert source.frame.rows() == [("1", "a"), ("5", "f")]
    assert [row for row, _ in source.rejected] == [2, 3, 4]
    assert source.rejected[0][1] == "line 3: has 1 cells where the header has 2"
    assert "line 5: not CSV" in source.rejected[2][1]


def test_a_quote_that_is_never_closed_is_reported_with_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text('id,town\n1,a\n2,"b\n3,c\n')
    source = read_source(str(path))
    assert source.frame.rows() == [("1", "a")]
    assert source.rejected[0][0] == 2
    assert "line 3 to 4" in source.rejected[0][1]


def test_a_csv_with_a_header_alone_has_columns_and_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("id,town\n")
    frame = read_source(str(path)).frame
    assert frame.columns == ["id", "town"]
    assert frame.height == 0


def test_a_column_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("id,town,id\n1,a,2\n")
    assert "column 'id' occurs more than once" in refusal(path)


def test_a_csv_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes("id,town\n1,서울\n".encode("cp949"))
    assert "save it as UTF-8" in refusal(path)


# ---- JSONL ---------------------------------------------------------------------------------------


def test_jsonl_is_text_with_lists_as_json(tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl"
    rows = [
        {"id": 1, "town": "서울", "likes": ["a", "b"]},
        {"id": "2", "old": True, "town": None, "likes": "a|b"},
        {"id": 4.5, "likes": []},
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    frame = read_source(str(path)).frame
    assert set(frame.dtypes) == {pl.String}
    assert frame["id"].to_list() == ["1", "2", "4.5"]
    assert frame["town"].to_list() == ["서울", None, None]
    assert frame["likes"].to_list() == ['["a","b"]', "a|b", "[]"]
    assert frame["old"].to_list() == [None, "true", None]


def test_malformed_jsonl_lines_are_reported_and_the_others_load(tmp_path: Path) -> None:
    path = tmp_path / "people.ndjson"
    lines = [b'\xef\xbb\xbf{"id": 1}', b'{"id": 2', b"", b"[3]", b'{"id": "\xff"}', b'{"id": NaN}']
    path.write_bytes(b"\n".join([*lines, rb'{"id": "\ud800"}', b'{"id": 7}']))
    source = read_source(str(path))
    assert source.frame["id"].to_list() == ["1", "7"]
    assert [row for row, _ in source.rejected] == [2, 3, 4, 5, 6]
    assert source.rejected[1][1] == "not a JSON object; one object a line is accepted"
    assert source.rejected[0][1].startswith("not JSON: ")


def test_a_rejected_line_s_content_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl"
    path.write_text('{"bio": "secret words", oops}\n{"id": 1}\n')
    assert "secret" not in str(read_source(str(path)).rejected)


# ---- what cannot be read at all ------------------------------------------------------------------


def test_a_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path / "nobody.parquet")
    assert "nobody.parquet: no such file" in message
    assert "--source" in message


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.jsonl"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert f"{name}: is empty" in refusal(tmp_path / name)


@pytest.mark.parametrize("name", ["people.xlsx", "people.json", "people"])
def test_an_unknown_suffix_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    assert ACCEPTED in refusal(tmp_path / name)


# ---- SQL -----------------------------------------------------------------------------------------


def test_a_query_is_read_from_the_database(tmp_path: Path) -> None:
    address = database(tmp_path, [(1, "서울"), (2, None), (3, "10:30")])
    frame = read_source(address, "select * from people where town <> '10:00' or town is null").frame
    assert frame.rows() == [(1, "서울"), (2, None), (3, "10:30")]


def test_a_column_of_several_types_loses_no_value(tmp_path: Path) -> None:
    rows = [(n, "a") for n in range(200)] + [("abc", "b"), (4.5, None), (None, "c")]
    frame = read_source(database(tmp_path, rows), "select * from people").frame
    assert frame["id"].to_list()[-4:] == ["199", "abc", "4.5", None]


def test_a_query_without_rows_has_its_columns(tmp_path: Path) -> None:
    frame = read_source(database(tmp_path, []), "select * from people").frame
    assert frame.columns == ["id", "town"]
    assert frame.height == 0


def test_a_query_that_fails_is_refused(tmp_path: Path) -> None:
    address = database(tmp_path, [(1, "a")])
    assert "OperationalError" in refusal(address, "select * from nobody")
    assert "[source] query" in refusal(address, "delete from people")
    assert read_source(address, "select * from people").frame.height == 1


@pytest.mark.parametrize(
    "address",
    [
        "who knows hunter2",
        "nonsense://me:hunter2@host/people",
        "mysql+nodriver://me:hunter2@host/people",
        "sqlite:////nowhere/hunter2/people.db",
    ],
)
def test_a_bad_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_source(address, "select 1")
    assert "HERTZ_DATABASE_URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__
