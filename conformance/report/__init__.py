"""Reports: what is said of an implementation under test in the end, for machines and for people.

Begin at `value`, which is what a report knows. `as_json`, `junit`, `markdown` and `page` say the
same in four formats; `page` also draws the history of each violation (`wrong`, `known`, `drawing`).
"""
