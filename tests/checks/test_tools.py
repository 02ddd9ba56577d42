"""The checks of ./test notice what they are there for: each is run over a small tree with one thing wrong."""

import pathlib
import subprocess

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"


def run(tool, *arguments):
    """(exit code, output)"""
    done = subprocess.run([TOOLS / tool, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30,
                          check=False)
    return done.returncode, done.stdout.decode().strip()


def write(root, **files):
    """Files by path with __ for / and _dot_ for the last dot."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


class TestLayers:
    def tree(self, root, include, layers="base:\nmail: base\nwire: base mail\n"):
        return write(root, docs__layers_dot_txt=layers, src__mail__path_dot_cpp=f'#include <map>\n#include "{include}"\n')

    @pytest.mark.parametrize("include", ["base/result.hpp", "mail/path.hpp", "mail/deep/er.hpp"])
    def test_a_granted_arrow_passes(self, tmp_path, include):
        assert run("check_layers", self.tree(tmp_path, include)) == (0, "")

    @pytest.mark.parametrize("include, fault", [
        ("wire/smtp/reply.hpp", "mail may not use wire"),
        ("path.hpp", '"path.hpp" does not begin with a room'),
        ("../wire/x.hpp", '"../wire/x.hpp" does not begin with a room'),
    ])
    def test_any_other_arrow_fails_with_its_line(self, tmp_path, include, fault):
        assert run("check_layers", self.tree(tmp_path, include)) == (1, f"src/mail/path.cpp:2: {fault}")

    def test_a_room_that_is_not_in_the_table_fails(self, tmp_path):
        root = write(self.tree(tmp_path, "base/x.hpp"), src__cellar__x_dot_hpp="")
        assert run("check_layers", root) == (1, "src/cellar/x.hpp: the room cellar is not in docs/layers.txt")

    def test_a_circle_in_the_table_fails(self, tmp_path):
        code, output = run("check_layers", self.tree(tmp_path, "mail/x.hpp", "base: mail\nmail: base\n"))
        assert code == 1 and "base may use mail, which does not stand above it" in output


class TestRfcTable:
    GOOD = "RFC\tsection\tstatus\twhere\ttest\n5321\t4.5.2\tdone\tsrc/wire/data.cpp\tData.IsStuffed\n"

    def tree(self, root, table=GOOD):
        return write(root, docs__rfc_dot_tsv=table, src__wire__data_dot_cpp="// RFC 5321 4.5.2: dots\n",
                     src__wire__data_test_dot_cpp="TEST(Data, IsStuffed) {}\nTEST_P(Data, IsCut) {}\n",
                     tests__scene__test_data_dot_py="def test_dots(client):\n    pass\n")

    def test_a_true_table_passes(self, tmp_path):
        assert run("check_rfc", self.tree(tmp_path)) == (0, "")

    @pytest.mark.parametrize("row", ["1652\tAppendix A\tpartial\tsrc/wire/data.cpp\ttests/scene/test_data.py::test_dots",
                                     "1652\t3\tdone\tsrc/wire/data.cpp\tData.IsCut", "1652\t3\tlater\t-\t-"])
    def test_all_forms_of_a_row_pass(self, tmp_path, row):
        assert run("check_rfc", self.tree(tmp_path, f"{self.GOOD}{row}\n")) == (0, "")

    @pytest.mark.parametrize("row, fault", [
        ("1652\t3\tdone\tsrc/wire/data.cpp\tData.IsGone", "no test is called 'Data.IsGone'"),
        ("1652\t3\tdone\tsrc/wire/data.cpp\ttests/scene/test_data.py::test_no",
         "no test is called 'tests/scene/test_data.py::test_no'"),
        ("1652\t3\tdone\tsrc/wire/gone.cpp\tData.IsCut", "'src/wire/gone.cpp' is no file"),
        ("1652\t3\tdone\t-\t-", "'-' is no file"),
        ("1652\t3\tgood\tsrc/wire/data.cpp\tData.IsCut", "status 'good' is none of done, later, partial"),
        ("5321\t4.5.2\tdone\tsrc/wire/data.cpp\tData.IsCut", "a second row for RFC 5321 4.5.2"),
        ("1652\t3\tdone", "3 columns instead of 5"),
    ])
    def test_a_row_that_is_not_true_fails_with_its_line(self, tmp_path, row, fault):
        code, output = run("check_rfc", self.tree(tmp_path, f"{self.GOOD}{row}\n"))
        assert code == 1 and output.startswith(f"docs/rfc.tsv:3: {fault}")

    @pytest.mark.parametrize("cited", ["RFC 5321 4.5", "RFC 5321 4.5.2.1", "RFC 5322 4.5.2", "RFC 5321 Appendix D"])
    def test_a_cited_section_without_a_row_fails(self, tmp_path, cited):
        root = write(self.tree(tmp_path), src__mail__path_dot_hpp=f"\nint a;  // as {cited}, so.\n")
        assert run("check_rfc", root) == (1, f"src/mail/path.hpp:2: {cited} has no row in docs/rfc.tsv")


class TestConfigTable:
    HEAD = "| key | type | default | bounds | applies | meaning |\n|---|---|---|---|---|---|\n"
    HOST = "| `hostname` | string | | | restart | our name |\n"
    SIZE = "| `limits.size` | size | `50MiB` | 1KiB \\| 1GiB | live | of a message |\n"

    def check(self, root, table):
        write(root, config_dot_md=f"# Settings\n\n{table}\nText | with | bars\n",
              keys_dot_tsv="hostname\tstring\t\t\trestart\nlimits.size\tsize\t50MiB\t1KiB | 1GiB\tlive\n",
              program_dot_sh=f"#!/bin/sh\n[ \"$*\" = 'config-keys --tsv' ] && cat {root}/keys.tsv\n")
        (root / "program.sh").chmod(0o755)
        return run("check_config", root / "program.sh", root / "config.md")

    def test_the_same_on_both_sides_passes(self, tmp_path):
        assert self.check(tmp_path, self.HEAD + self.HOST + self.SIZE) == (0, "")

    def test_two_tables_are_read_as_one(self, tmp_path):
        assert self.check(tmp_path, f"{self.HEAD}{self.HOST}\n## Limits\n\n{self.HEAD}{self.SIZE}") == (0, "")

    def test_a_key_that_is_not_documented_fails(self, tmp_path):
        assert self.check(tmp_path, self.HEAD + self.HOST) == (
            1, "limits.size: the code reads it, docs/config.md has no row")

    def test_a_key_that_the_code_does_not_read_fails(self, tmp_path):
        row = self.HOST.replace("hostname", "colour")
        assert self.check(tmp_path, self.HEAD + self.HOST + self.SIZE + row) == (
            1, "colour: docs/config.md has a row, the code does not read it")

    @pytest.mark.parametrize("true, said, column", [("50MiB", "5MiB", "default"), ("live", "restart", "applies"),
                                                    ("1GiB", "2GiB", "bounds"), (" size ", " bytes ", "type")])
    def test_another_value_fails(self, tmp_path, true, said, column):
        code, output = self.check(tmp_path, self.HEAD + self.HOST + self.SIZE.replace(true, said))
        assert code == 1 and output.startswith(f"limits.size: {column} is ")

    def test_a_row_without_a_meaning_fails(self, tmp_path):
        code, output = self.check(tmp_path, self.HEAD + self.HOST.replace("our name", "") + self.SIZE)
        assert code == 1 and output.startswith("docs/config.md:5: a row needs")


class TestSum:
    PASSED = '<testcase classname="A" name="ok"/>'
    FAILED = '<testcase classname="A" name="bad"><failure message="1 is not 2"/></testcase>'
    SKIPPED = '<testcase classname="A" name="skip"><skipped message="x.cpp:1&#10;{}"/></testcase>'

    def sum(self, root, stages, cases):
        write(root, stages_dot_tsv="".join(f"{line}\n" for line in stages),
              unit__a_dot_xml=f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
        return run("sum_results", root)

    def test_passed_checks_and_tests_are_added_and_builds_are_not(self, tmp_path):
        stages = ["build\tbuild\t0\t9", "check\tlayers\t0\t9", "tests\tunit\t0\t9"]
        assert self.sum(tmp_path, stages, [self.PASSED, self.PASSED]) == (0, "3 passed, 0 failed, 0 skipped")

    def test_a_failed_test_is_named(self, tmp_path):
        assert self.sum(tmp_path, ["tests\tunit\t1\t9"], [self.PASSED, self.FAILED]) == (
            1, "FAILED  unit: A.bad: 1 is not 2\n1 passed, 1 failed, 0 skipped")

    @pytest.mark.parametrize("reason", ["vectors missing: psl", "kernel without Landlock"])
    def test_missing_vectors_and_parts_of_the_kernel_may_be_skipped(self, tmp_path, reason):
        assert self.sum(tmp_path, ["tests\tunit\t0\t9"], [self.PASSED, self.SKIPPED.format(reason)]) == (
            0, f"skipped unit: A.skip: x.cpp:1 {reason}\n1 passed, 0 failed, 1 skipped")

    def test_nothing_else_may_be_skipped(self, tmp_path):
        code, output = self.sum(tmp_path, ["tests\tunit\t0\t9"], [self.PASSED, self.SKIPPED.format("not today")])
        assert code == 1 and output.endswith("1 passed, 0 failed, 1 skipped")

    @pytest.mark.parametrize("stage, why", [("build\tbuild\t1\t9", "ended with 1"), ("tests\tunit\t134\t9", "ended with 134"),
                                            ("check\tlayers\t124\t9", "over its limit of 9 s")])
    def test_a_stage_that_ended_badly_is_a_failure(self, tmp_path, stage, why):
        code, output = self.sum(tmp_path, ["check\trfc\t0\t9", stage], [self.PASSED])
        assert code == 1 and why in output and ", 1 failed, " in output.splitlines()[-1]

    def test_a_damaged_result_is_a_failure(self, tmp_path):
        assert self.sum(tmp_path, ["tests\tunit\t0\t9"], ["<testcase"])[0] == 1

    def test_nothing_at_all_is_a_failure(self, tmp_path):
        assert self.sum(tmp_path, ["build\tbuild\t0\t9"], []) == (1, "0 passed, 0 failed, 0 skipped")


class TestRunners:
    def program(self, root, name, script):
        path = root / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def results(self, root):
        return "".join(path.read_text() for path in sorted((root / "results").glob("*.xml")))

    def test_a_unit_test_that_dies_is_a_failed_case_and_the_others_still_run(self, tmp_path):
        self.program(tmp_path, "a_test", "echo going; kill -SEGV $$")
        self.program(tmp_path, "b_test", "echo '<testsuites><testcase classname=\"B\" name=\"ok\"/></testsuites>' > ${2#*:}")
        code, output = run("run_unit", tmp_path, tmp_path / "results")
        assert (code, output) == (1, "--- a_test killed by signal 11:\ngoing")
        assert 'message="killed by signal 11"' in self.results(tmp_path) and 'name="ok"' in self.results(tmp_path)

    def test_a_fuzz_target_that_fails_is_a_failed_case_and_the_others_still_run(self, tmp_path):
        self.program(tmp_path, "fuzz_a", "echo found; exit 77")
        self.program(tmp_path, "fuzz_b", "touch new-find")
        code, output = run("run_fuzz", tmp_path, tmp_path / "results", "1")
        assert (code, output) == (1, "--- fuzz_a\nfound")
        assert 'name="a"><failure message="ended with 77' in self.results(tmp_path)
        assert '<testcase classname="fuzz" name="b" />' in self.results(tmp_path)
        assert not list(tmp_path.rglob("new-find"))

    def test_each_test_file_runs_by_itself_and_what_fails_is_shown(self, tmp_path):
        write(tmp_path, tests__test_a_dot_py="def test_it():\n    assert 1 == 2\n",
              tests__test_b_dot_py="def test_it():\n    pass\n",
              tests__test_c_dot_py="import nothing_of_the_kind\n")
        code, output = run("run_pytest", tmp_path / "results", tmp_path / "base", tmp_path / "tests")
        assert code == 1 and "assert 1 == 2" in output and "nothing_of_the_kind" in output and "1 passed" not in output
        assert len(list((tmp_path / "results").glob("*.xml"))) == 3
        assert (self.results(tmp_path).count("<failure"), self.results(tmp_path).count("<error")) == (1, 1)

    def test_a_file_of_which_nothing_was_selected_is_no_failure(self, tmp_path):
        write(tmp_path, tests__test_a_dot_py="def test_it():\n    pass\n",
              tests__test_b_dot_py="def test_that():\n    pass\n")
        assert run("run_pytest", tmp_path / "results", tmp_path / "base", tmp_path / "tests", "-k", "that") == (0, "")
        assert self.results(tmp_path).count("<testcase") == 1

    @pytest.mark.parametrize("runner", ["run_unit", "run_fuzz"])
    def test_a_build_without_tests_fails(self, tmp_path, runner):
        assert run(runner, tmp_path, tmp_path / "results")[0] == 1


class TestNamespace:
    def inside(self, command):
        return run("in_namespace", "bash", "-c", command)

    def test_has_loopback_only_and_a_resolver_of_its_own(self):
        assert self.inside("ip -o link | wc -l; cat /etc/resolv.conf") == (0, "1\nnameserver 127.0.0.53")

    def test_takes_what_was_left_running_with_it(self):
        assert self.inside("sleep 1234.5 & until grep -q sleep /proc/$!/comm; do :; done") == (0, "")
        everywhere = subprocess.run(["ps", "-eo", "args"], stdout=subprocess.PIPE, check=True).stdout
        assert b"sleep 1234.5" not in everywhere
