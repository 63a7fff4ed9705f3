"""Merging: linkage, vetoes, order, medoids; with random vectors and against two oracles."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.cluster import hierarchy

from vqtext.errors import ShapeError, UsageError, WordsError
from vqtext.pipeline.anchors import linkage
from vqtext.pipeline.anchors.clustering import Clusters, Phrase, Tree
from vqtext.pipeline.encoders.opposites import contrast, nearest_opposite
from vqtext.prompts.facets import NOTHING, Facets, conflict, read_facets
from vqtext.schema import same_text

SEEDS = range(8)
LETTERS = str.maketrans("0123456789", "abcdefghij")


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def crowd(seed: int, n: int = 60, d: int = 12) -> list[Phrase]:
    """Phrases in loose groups, some with opposites (often another phrase of the list), sides, directions."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(8, d))
    vectors = unit(centres[rng.integers(8, size=n)] + 0.5 * rng.normal(size=(n, d)))
    phrases = []
    for i, vector in enumerate(vectors):
        opposites = [vectors[j] for j in rng.integers(n, size=rng.integers(3)) if j != i]
        opposites += [unit(vector + 0.6 * rng.normal(size=d)) for _ in range(rng.integers(2))]
        sides = rng.choice(["left", "right", "both", "none"], size=rng.integers(3)).tolist()
        directions = rng.choice(["up", "down", "none"], size=rng.integers(2)).tolist()
        said = NOTHING.also(sides, directions)
        phrases.append(
            Phrase(
                "phrase " + f"{i:03}".translate(LETTERS),  # other numbers would never merge
                vector,
                tuple(opposites),
                said,
                labels=frozenset({f"label {i}"} | {f"more {i} {k}" for k in range(rng.integers(3))}),
            )
        )
    return phrases


def may_merge(x: Phrase, y: Phrase, threshold: float) -> bool:
    """The rule of the design, one pair at a time."""
    cosine = x.vector @ y.vector
    opposites = [x.vector @ o for o in y.opposites] + [y.vector @ o for o in x.opposites]
    if conflict(x.facets, y.facets):
        return False
    if x.facets.poles & y.facets.poles:
        return cosine >= threshold and all(1 - opposite >= (1 - cosine) / 2 for opposite in opposites)
    return cosine >= threshold and all(cosine > opposite for opposite in opposites)


def by_hand(
    phrases: list[Phrase],
    threshold: float,
    heads: frozenset[str] = frozenset(),
    joined: dict[str, str] | None = None,
) -> set[frozenset[str]]:
    """Constrained complete linkage, the slow and obvious way."""
    joined = joined or {}
    heads = heads | set(joined.values())
    grouped: dict[str, list[Phrase]] = {}
    for phrase in phrases:
        grouped.setdefault(joined.get(phrase.text, phrase.text), []).append(phrase)
    clusters = list(grouped.values())
    while True:
        best = None
        for a, b in itertools.combinations(range(len(clusters)), 2):
            pairs = list(itertools.product(clusters[a], clusters[b]))
            of_two_heads = len(heads & {phrase.text for phrase in clusters[a] + clusters[b]}) > 1
            if not of_two_heads and all(may_merge(x, y, threshold) for x, y in pairs):
                farthest = min(x.vector @ y.vector for x, y in pairs)
                if best is None or farthest > best[0]:
                    best = (farthest, a, b)
        if best is None:
            return {frozenset(phrase.text for phrase in cluster) for cluster in clusters}
        clusters[best[1]] += clusters.pop(best[2])


def texts(tree: Tree, clusters: Clusters) -> set[frozenset[str]]:
    return {frozenset(tree.phrases[i].text for i in cluster) for cluster in clusters.members}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.85])
def test_equals_the_slow_way_under_vetoes(seed: int, threshold: float) -> None:
    phrases = crowd(seed, n=30)
    tree = Tree(phrases)
    assert texts(tree, tree.at(threshold)) == by_hand(phrases, threshold)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("threshold", [0.5, 0.85])
def test_what_is_kept_and_joined_by_hand_goes_before_everything(seed: int, threshold: float) -> None:
    phrases = crowd(seed, n=30)
    rng = np.random.default_rng(seed)
    chosen = [phrases[i].text for i in rng.permutation(30)[:12]]
    heads, joined = (
        frozenset(chosen[:5]),
        dict(zip(chosen[5:10], [chosen[10]] * 3 + [chosen[0]] * 2, strict=True)),
    )
    tree = Tree(phrases, heads=heads, joined=joined)
    cut = tree.at(threshold)
    assert texts(tree, cut) == by_hand(phrases, threshold, heads, joined)
    assert heads | {chosen[10]} <= {tree.phrases[i].text for i in cut.anchors}, "a head is an anchor"
    assert tree.count(threshold) == len(cut.anchors)
    together = {frozenset(pair) for cluster in cut.members for pair in itertools.combinations(cluster, 2)}
    near = {(v.a, v.b) for v in cut.vetoed}
    for a, b in itertools.combinations(range(30), 2):
        cosine = tree.phrases[a].vector @ tree.phrases[b].vector
        assert ((a, b) in near) == (cosine >= threshold and {a, b} not in together)


@pytest.mark.parametrize("seed", SEEDS)
def test_without_vetoes_it_is_scipys_complete_linkage(seed: int) -> None:
    phrases = [Phrase(p.text, p.vector) for p in crowd(seed, n=200)]
    tree = Tree(phrases)
    oracle = hierarchy.linkage(np.stack([p.vector for p in tree.phrases]).astype(float), "complete", "cosine")
    for threshold in (0.55, 0.7, 0.85, 0.95):
        numbers = hierarchy.fcluster(oracle, 1 - threshold, "distance")
        expected = {
            frozenset(tree.phrases[i].text for i in np.flatnonzero(numbers == number))
            for number in np.unique(numbers)
        }
        assert texts(tree, tree.at(threshold)) == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_order_does_not_matter(seed: int) -> None:
    phrases = crowd(seed)
    phrases += [Phrase(p.text + " again", p.vector, p.opposites) for p in phrases[:10]]  # ties
    first = Tree(phrases).at(0.6)
    shuffled = [phrases[i] for i in np.random.default_rng(seed).permutation(len(phrases))]
    assert Tree(shuffled).at(0.6) == first


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("threshold", [0.55, 0.75, 0.9])
def test_what_a_cut_promises(seed: int, threshold: float) -> None:
    tree = Tree(crowd(seed))
    cut = tree.at(threshold)
    everyone = sorted(i for cluster in cut.members for i in cluster)
    assert everyone == list(range(len(tree.phrases))), "each phrase is in exactly one cluster"
    assert all(anchor in cluster for anchor, cluster in zip(cut.anchors, cut.members, strict=True))
    cluster_of = {i: number for number, cluster in enumerate(cut.members) for i in cluster}
    vetoed = {(pair.a, pair.b): pair for pair in cut.vetoed}
    for a, b in itertools.combinations(range(len(tree.phrases)), 2):
        x, y = tree.phrases[a], tree.phrases[b]
        if cluster_of[a] == cluster_of[b]:
            assert may_merge(x, y, threshold), "no two members below the threshold or vetoed"
        elif x.vector @ y.vector >= threshold:
            assert (vetoed.pop((a, b)).reason == "linkage") == may_merge(x, y, threshold)
    assert not vetoed, "nothing is called vetoed that is not near and apart"
    for one, other in itertools.combinations(cut.members, 2):
        pairs = itertools.product(one, other)
        assert not all(may_merge(tree.phrases[a], tree.phrases[b], threshold) for a, b in pairs)


def test_the_curve_is_the_count_of_each_cut() -> None:
    tree = Tree(crowd(0))
    counts = [tree.count(threshold) for threshold in np.linspace(0.5, 1, 26)]
    assert counts == [len(tree.at(threshold).anchors) for threshold in np.linspace(0.5, 1, 26)]
    assert counts == sorted(counts)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_threshold_for_a_number_of_anchors(seed: int) -> None:
    tree = Tree(crowd(seed))
    steps = np.round(np.arange(0.5, 1.00001, 0.0001), 4).tolist()
    counts = [tree.count(step) for step in steps]
    for target in range(1, 61):
        threshold = tree.threshold_for(target)
        miss = abs(tree.count(threshold) - target)
        nearest = min(abs(count - target) for count in counts)
        assert miss <= nearest, "no other threshold comes nearer"
        if miss == nearest:
            assert tree.count(threshold) == max(c for c in counts if abs(c - target) == miss), "merges less"
        assert round(threshold, 6) == threshold, "a number that a person can type again"


def test_a_threshold_for_what_equal_vectors_forbid() -> None:
    tree = Tree([plane("a", 0), plane("b", 0), plane("c", 0), plane("d", 50)])
    assert tree.threshold_for(4) == 1 and tree.count(1) == 2, "equal vectors merge at every threshold"
    assert tree.threshold_for(1) == 0.64  # of 50 degrees
    crowded = Tree([plane("a", 0), plane("b", 1e-3), plane("c", 3), plane("d", 3 + 1e-3)])
    assert crowded.count(crowded.threshold_for(3)) in (2, 4), "two merges too near to each other to part"


@pytest.mark.parametrize("seed", SEEDS)
def test_too_many_near_pairs_raise_the_floor_and_change_nothing_above_it(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    phrases = crowd(seed, n=100)
    whole = Tree(phrases)
    monkeypatch.setattr(linkage, "DENSE_PAIRS", 300)
    monkeypatch.setattr(linkage, "PAIRS_EACH", 3)
    monkeypatch.setattr(linkage, "BLOCK", 30)
    tree = Tree(phrases, ceiling=0.9)
    assert 0.5 < tree.floor <= 0.9
    assert tree.at(tree.floor) == whole.at(tree.floor) and tree.at(0.95) == whole.at(0.95)
    assert tree.threshold_for(1) >= tree.floor
    assert Tree(phrases, ceiling=0.6).floor == 0.6, "never above what will be asked of the tree"
    assert Tree(phrases).floor == 0.5


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    phrases = crowd(1, n=100)
    whole = Tree(phrases).at(0.6)
    monkeypatch.setattr(linkage, "BLOCK", 7)
    assert texts(Tree(phrases), Tree(phrases).at(0.6)) == texts(Tree(phrases), whole)


def plane(text: str, degrees: float, **facts: object) -> Phrase:
    """A phrase as an angle, so that cosines are easy to see."""
    angle = np.deg2rad(degrees)
    return Phrase(text, np.array([np.cos(angle), np.sin(angle)], dtype=np.float32), **facts)  # type: ignore[arg-type]


def says(*sides: str) -> Facets:
    return NOTHING.also(sides, ())


def test_a_chain_does_not_merge() -> None:
    tree = Tree([plane("a", 0), plane("b", 20), plane("c", 41)])
    cut = tree.at(0.9)  # 26 degrees
    assert texts(tree, cut) == {frozenset("ab"), frozenset("c")}
    assert [(v.a, v.b, v.reason) for v in cut.vetoed] == [(1, 2, "linkage")]


def test_the_veto_and_its_reasons() -> None:
    down = plane("arm down", 10).vector
    tree = Tree(
        [
            plane("arm up", 0, opposites=(down,)),
            plane("arm down", 10),
            plane("left arm", 90, facets=says("left")),
            plane("right arm", 91, facets=says("right", "none")),
            plane("the arm", 92),
            plane("both arms", 80, facets=says("both")),
        ]
    )
    cut = tree.at(0.9)
    names = [phrase.text for phrase in tree.phrases]
    assert {(names[v.a], names[v.b], v.reason) for v in cut.vetoed} == {
        ("arm down", "arm up", "opposite"),
        ("left arm", "right arm", "facet"),
        ("left arm", "the arm", "linkage"),
        ("both arms", "left arm", "facet"),
        ("both arms", "right arm", "facet"),
        ("both arms", "the arm", "linkage"),
    }
    assert frozenset({"right arm", "the arm"}) in texts(tree, cut)


def test_a_phrase_used_on_both_sides_fits_either_but_does_not_join_them() -> None:
    tree = Tree(
        [
            plane("left", 0, facets=says("left")),
            plane("any", 1, facets=says("left", "right")),
            plane("right", 2.5, facets=says("right")),
        ]
    )
    assert texts(tree, tree.at(0.9)) == {frozenset({"left", "any"}), frozenset({"right"})}


def test_phrases_that_go_the_same_way_merge_although_an_opposite_is_near() -> None:
    near = plane("lower the knee", 2).vector  # the encoder's habit: the opposite is nearer than the synonym
    up = plane("knee up", 0, opposites=(near,), facets=read_facets("knee up"))
    also_up = plane("raise the knee", 20, facets=read_facets("raise the knee"))
    hold = plane("hold the knee", 20)
    assert len(Tree([up, also_up]).at(0.9).anchors) == 1
    assert [pair.reason for pair in Tree([up, hold]).at(0.9).vetoed] == ["opposite"]


def test_pairs_near_by_the_encoder_alone_are_reported_although_their_ways_part_them() -> None:
    plain = plane("x", 0).vector
    pair = [
        plane("knee up", 0, facets=read_facets("knee up"), plain=plain),
        plane("knee down", 50, facets=read_facets("knee down"), plain=plain),
    ]
    (vetoed,) = Tree(pair).at(0.95).vetoed
    assert (vetoed.reason, round(vetoed.cosine, 3)) == ("facet", 1)


def test_equal_vectors_of_opposites_stay_apart() -> None:
    # An encoder that knows no word of either gives both phrases, and so both opposites, one vector.
    same = plane("x", 30).vector
    tree = Tree([Phrase("x", same, (same,)), Phrase("y", same)])
    assert len(tree.at(1.0).anchors) == 2


def test_threshold_one_merges_equal_vectors_only() -> None:
    tree = Tree([plane("a", 0), plane("b", 0), plane("c", 0.5)])
    assert texts(tree, tree.at(1.0)) == {frozenset("ab"), frozenset("c")}


def test_the_medoid_is_the_middle_one_then_the_most_used_then_the_first() -> None:
    def anchor(*phrases: Phrase) -> str:
        tree = Tree(phrases)
        return tree.phrases[tree.at(0.5).anchors[0]].text

    assert anchor(plane("a", 0), plane("b", 9), plane("c", 20)) == "b"
    assert anchor(plane("a", 0, labels=frozenset("x")), plane("b", 9, labels=frozenset("yz"))) == "b"
    assert anchor(plane("b", 0), plane("a", 9)) == "a"


def test_one_phrase_is_one_anchor() -> None:
    cut = Tree([plane("a", 0)]).at(0.85)
    assert (cut.anchors, cut.members, cut.vetoed) == ([0], [[0]], [])


@pytest.mark.parametrize("threshold", [0, -1, 1.5, float("nan")])
def test_a_threshold_outside_its_range(threshold: float) -> None:
    with pytest.raises(UsageError):
        Tree([plane("a", 0)]).at(threshold)


def test_a_threshold_below_the_floor() -> None:
    with pytest.raises(UsageError, match=r"0\.5"):
        Tree([plane("a", 0)]).at(0.4)
    assert len(Tree([plane("a", 0), plane("b", 60)], floor=0.3).at(0.4).anchors) == 1


def test_no_phrases() -> None:
    with pytest.raises(WordsError):
        Tree([])


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_a_vector_without_direction(value: float) -> None:
    broken = np.full(2, value, dtype=np.float32)
    with pytest.raises(WordsError, match="'arm up'"):
        Tree([Phrase("arm up", broken), plane("b", 0)])
    with pytest.raises(WordsError):
        Tree([plane("arm up", 0, opposites=(broken,))])


def test_the_same_text_twice() -> None:
    assert same_text("  Raise\tthe ＡRM ") == same_text("raise the arm")
    with pytest.raises(WordsError):
        Tree([plane("Raise the arm", 0), plane("raise  the ARM", 50)])


def test_contrast_separates_and_keeps_length() -> None:
    rng = np.random.default_rng(0)
    vectors, opposites = unit(rng.normal(size=(5, 8))), unit(rng.normal(size=(5, 8)))
    pushed = contrast(vectors, opposites)
    assert pushed.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(pushed, axis=1), 1, rtol=1e-6)
    assert ((pushed * opposites).sum(1) < (vectors * opposites).sum(1)).all()
    np.testing.assert_allclose(contrast(vectors, opposites, 0), vectors, atol=1e-6)
    np.testing.assert_allclose(contrast(vectors, np.zeros_like(vectors)), vectors, atol=1e-6)
    np.testing.assert_allclose(contrast(vectors, vectors), vectors, atol=1e-6)
    with pytest.raises(ShapeError, match=r"\(5, 8\).*\(4, 8\)"):
        contrast(vectors, opposites[:4])


def test_nearest_opposite_is_the_nearest_of_both() -> None:
    vectors = unit(np.array([[1, 0], [1, 1], [0, 1]]))
    opposites = unit(np.array([[0, 1], [1, 0], [-1, 0]]))
    found = nearest_opposite(vectors, opposites, np.array([0, 1, 1]), np.array([[0, 1], [0, 2], [2, 2]]))
    np.testing.assert_allclose(found, [1, 1, -np.inf], atol=1e-6)
