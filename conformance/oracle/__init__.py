"""Was that right? Judging a history of requests and answers, and saying what is wrong with it.

`cut` is the judge of what was read, on `touches`, `block`, `paths`, `evidence` and `moments`;
`lifecycle` judges the states, `recovery` and `survival` what is found after a crash. `explain` and
`explain_recovery` put it into words.
"""
