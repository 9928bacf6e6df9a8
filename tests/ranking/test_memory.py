"""Available memory of the machine and of the container, and memory that ranking needs."""

from als_cli.ranking.memory import SLOTS_PER_BLOCK, available_bytes, block_size, ranking_bytes

MIB = 2**20


def container(folder, **files):
    for name, text in files.items():
        (folder / f"memory.{name}").write_text(f"{text}\n")
    return available_bytes(folder)


def test_without_container(tmp_path):
    assert available_bytes(tmp_path) > 10 * MIB


def test_a_container_has_the_rest_of_its_limit_and_its_droppable_pages(tmp_path):
    stat = f"anon 7\ninactive_file {2 * MIB}\nactive_file 5"
    assert container(tmp_path, max=10 * MIB, current=9 * MIB, stat=stat) == 3 * MIB


def test_a_container_without_limit_or_above_it(tmp_path):
    assert container(tmp_path, max="max", current=9 * MIB) > 10 * MIB
    assert container(tmp_path, max=8 * MIB, current=9 * MIB) == 0


def test_blocks_shrink_as_lists_grow():
    assert block_size(4096, 20) == 4096
    assert block_size(4096, 1024) == SLOTS_PER_BLOCK // 1024
    assert block_size(4096, 10 * SLOTS_PER_BLOCK) == 1


def test_ranking_needs_two_copies_of_the_factors_and_a_block_of_lists():
    assert ranking_bytes(1_000_000, 128, 1, 20) > 2 * 4 * 128 * 1_000_000
    long, short = (ranking_bytes(1000, 8, 1000, places) for places in (1000, 10))
    assert long > 50 * short
