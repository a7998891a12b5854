"""What the forum, the reproduction and the reviewers asked, and where this book answers it."""

from __future__ import annotations

from dataclasses import dataclass

ANSWERED, IN_PART, NOT_STUDIED = STATUSES = ("answered", "in part", "not studied here yet")

# who asked: F the forum, R the reproduction, V1 to V4 the reviewers
SOURCES = ("F", "R", "V1", "V2", "V3", "V4")


@dataclass(frozen=True)
class Question:
    """A question, and how well it is answered where.

    Args:
        source: one of `SOURCES`.
        text: the question in our words.
        status: one of `STATUSES`.
        answer: one or two sentences of MyST; `{0}` is the value and the verdict of the first claim.
        place: page and section, `why#answers`; empty if it is not studied here yet.
        claims: texts of claims.
    """

    source: str
    text: str
    status: str
    answer: str
    place: str = ""
    claims: tuple[str, ...] = ()


QUESTIONS: tuple[Question, ...] = (
    Question(
        "F",
        "Does β-LASSO with β = 1 reach the solution of the LASSO almost always?",
        ANSWERED,
        "On the forum's own problem, a linear model with one true feature: {0}. The two algorithms "
        "agree at β = η, a constant learning rate, but for weights of the solution below βλ, and "
        "not at β = 1.",
        "toy#the-forums-claims",
        claims=("With β = 1 the LASSO solution of a linear problem is reached almost always",),
    ),
    Question(
        "F",
        "Can a larger β miss that solution, depending on the initial weights and the data?",
        ANSWERED,
        "The solution is {0}. Three conditions tell where it is found always, never, or depending "
        "on the start.",
        "toy#three-regions",
        claims=("With larger β it can be missed, depending on initial weights and data",),
    ),
    Question(
        "F",
        "Can sparse weights in dense layers be used for speed, also on a GPU?",
        IN_PART,
        "On a processor, a step with frozen zeros: {0}; with the algorithm as it is: {1}, and a "
        "whole run gains little. A GPU has not been measured.",
        "engine#is-sparsity-good-for-speed",
        claims=(
            "Sparse weights in dense layers can be used for speed (frozen zeros)",
            "Sparsity can be used for speed, with the algorithm as it is",
        ),
    ),
    Question(
        "F",
        "What if the penalty favoured banded solutions, with weights near each other?",
        IN_PART,
        "λ, and with it the threshold βλ, may grow with the distance from a window, one for each "
        "unit. Random windows, with hyperparameters chosen on validation images, over SGD: {0}. "
        "Windows of neighbouring pixels over scattered ones: {1}; windows that follow the weights "
        "over random ones: {2}. S-LOCAL remains ahead.",
        "variants#a-penalty-that-grows-outside-a-window",
        claims=(
            "As searched on validation images, β = 50 with λ that grows outside random windows is "
            "better than SGD at α = 8",
            "Random windows of neighbouring pixels are better than those of scattered ones",
            "At α = 8, windows that follow the weights are better than random ones",
        ),
    ),
    Question(
        "R",
        "Why does β = 50 do worse than β = 0 and β = 1 at α = 1?",
        IN_PART,
        "The accuracy of β = 50 minus that of β = 0: {0}. Accuracy drops where the threshold "
        "leaves few weights in the first layer. Neither the number of weights nor that they cannot "
        "return explains it alone; no single cause was found.",
        "why#which-β-lose-accuracy",
        claims=("At α = 1, β = 50 is worse than β = 0",),
    ),
    Question(
        "R",
        "Would more training help β = 50?",
        IN_PART,
        "Its gain over β = 0 after 400 epochs, minus that after 100: {0}. From 400 to 1600 epochs: "
        "{1}. With flips and crops at α = 8 it is ahead of SGD up to 400 epochs and behind after "
        "1600, in both of two seeds, with a λ that was not searched at that length "
        "([Scaling](scaling.ipynb)).",
        "why#would-longer-training-help",
        claims=(
            "β = 50 gains more on β = 0 in 400 epochs than in 100",
            "More training, 1600 epochs instead of 400, lets β = 50 gain on β = 0",
        ),
    ),
    Question(
        "R",
        "Would augmentation help β = 50?",
        IN_PART,
        "What it adds to the gain over β = 0, with the reproduction's λ: {0}. With a larger λ on "
        "the first layer: {1}.",
        "why#would-augmentation-or-the-loss-help",
        claims=(
            "Augmentation lets β = 50 gain on β = 0 (100 epochs)",
            "Augmentation lets β = 50 gain on β = 0 with the stronger λ (100 epochs, mean over "
            "losses)",
        ),
    ),
    Question(
        "R",
        "Why do the second and third layer have so many fewer weights than in the paper's "
        "Figure 3?",
        ANSWERED,
        "Because of the width. The third layer has 24cα weights for c classes, the second 6s²α² "
        "for s × s pixels, and the reproduction has α = 1 where the paper has α = 150.",
        "figure3#in-numbers",
    ),
    Question(
        "R",
        "Why are the filters less local than in the paper?",
        IN_PART,
        "Augmentation makes filters local, and the reproduction did not use it; with its loss "
        "and its λ augmentation would have helped little. Why both matter is open.",
        "figure4#what-makes-them-local",
    ),
    Question(
        "V1",
        "Does it work on data other than images, such as text or audio?",
        IN_PART,
        "On spoken digits, as spectrograms, filters become local in time with β = 0, beyond chance "
        "by {0}. With β = 50, for which the search chose a weak penalty, the effect is negligible: "
        "{1}. Accuracy minus that of SGD: {2} with β = 0, {3} with β = 50. Text is not studied "
        "here yet.",
        "sound#local-in-time-or-in-frequency",
        claims=(
            "On spoken digits, filters of β = 0 are local in time, beyond chance",
            "On spoken digits, filters of β = 50, as the search chose it, are as local in "
            "time as by chance, within 1 point",
            "On spoken digits, β = 0 is better than SGD",
            "On spoken digits, β = 50 is better than SGD",
        ),
    ),
    Question(
        "V2",
        "Is β-LASSO better than the plain LASSO?",
        IN_PART,
        "At α = 8, gain over the LASSO's own step, proximal ℓ1, with the same λ: {0}; over the "
        "plain sub-gradient with a λ of its own: {1}. Over proximal ℓ1 with a λ of its own, "
        "searched at α = 2 alone, the gain is smaller, and at α = 1 proximal ℓ1 is ahead.",
        "scaling#threshold-or-larger-λ",
        claims=(
            "With λ of β = 50 chosen at α = 8, it is better than proximal ℓ1 with the same λ there",
            "With λ of β = 50 chosen at α = 8, it is better than β = 0 with a λ of its own there",
        ),
    ),
    Question(
        "V2",
        "Why can the LASSO not do the same?",
        IN_PART,
        "In a linear model a zero of the LASSO returns as soon as its gradient exceeds λ, one of "
        "β-LASSO only if a single step carries it past the threshold. In a network a large λ pays "
        "only together with the threshold: {0}; why was not tested.",
        "toy#fixed-points",
        claims=("With λ of β = 50 chosen at α = 8, it is better than β = 0 with the same λ there",),
    ),
    Question(
        "V2",
        "How does it compare with other regularisers?",
        IN_PART,
        "Gain over SGD with weight decay and momentum, all chosen on validation images at α = 2: "
        "{0}. With λ chosen at each width, β = 50 is ahead at α = 8, by less than a point, and "
        "behind in narrower networks. Dropout and penalties other than ℓ1 and ℓ2 are not studied "
        "here yet.",
        "scaling_details#what-makes-sgd-strong",
        claims=(
            "By the paper's recipe (200 epochs), both as chosen on validation images at α = 2, "
            "β = 50 is better than SGD at α = 8",
        ),
    ),
    Question(
        "V2",
        "How does it compare with sparse training, such as SET and its successors?",
        IN_PART,
        "With about as many weights in each layer, SET, RigL and others are compared at α = 1, and "
        "pruning also at α = 4. Gain of β = 50 over RigL, which is behind a random mask here: {0}; "
        "over gradual pruning: {1}. SET does not differ significantly from β = 50.",
        "rivals#the-methods",
        claims=(
            "With about as many weights in each layer, β = 50 is better than RigL (larger budget)",
            "With about as many weights in each layer, β = 50 is better than gradual magnitude "
            "pruning (larger budget)",
        ),
    ),
    Question(
        "V2",
        "How sparse are the networks, and how many operations does that save?",
        ANSWERED,
        "The remaining weights and the operations of every method are counted, and accuracy is "
        "compared at as few of either. Fewer weights in the first layer than S-LOCAL: {0}.",
        "fewest_weights#by-the-papers-recipe",
        claims=("β = 50 leaves fewer weights in the first layer than S-LOCAL has",),
    ),
    Question(
        "V2",
        "Does it hold in wider networks?",
        IN_PART,
        "In the mean over doublings of the width from α = 1 to 8, the gain over SGD grows by {0}, "
        "that over β = 0 by {1}; the first is not linear in the number of doublings. With flips "
        "and crops β = 50 is ahead of SGD at α = 16 and, in one run, at α = 32. At the "
        "paper's width, with AutoAugment, after 400 epochs and with hyperparameters searched "
        "there, the gain over SGD is below a point, as with AutoAugment at α = 8, and most of the "
        "gap to S-LOCAL stays open, in one run of each method ([At the paper's "
        "size](paper_size.ipynb)).",
        "scaling#accuracy-at-each-width",
        claims=(
            "With λ of β = 50 chosen at each width, its gain over SGD grows (α = 1, 2, 4, 8)",
            "With λ of β = 50 chosen at each width, its gain over β = 0 grows (α = 1, 2, 4, 8)",
        ),
    ),
    Question(
        "V2",
        "Does it hold in deeper networks?",
        IN_PART,
        "At α = 1 only. In D-FC, β = 50 over SGD: {0}.",
        "variants#more-than-one-layer",
        claims=("In D-FC, β = 50 is better than SGD",),
    ),
    Question(
        "V2",
        "Does it hold on harder data?",
        IN_PART,
        "On CIFAR-100, over SGD: {0}. At α = 1 no lead over SGD is seen, and none over β = 1. "
        "Larger images are not studied here yet.",
        "scaling#with-every-method-searched-alike",
        claims=("On CIFAR-100, β = 50 is better than SGD",),
    ),
    Question(
        "V3",
        "Are the learned receptive fields local, beyond a few pictures?",
        IN_PART,
        "By the share of a filter's weights in its best window, minus that after permuting its "
        "pixels: {0}. With a stronger λ, β = 50 minus SGD: {1}. But filters of SGD with momentum "
        "and weight decay, pruned to as many weights, are on average at least as local.",
        "figure4#how-local-are-they",
        claims=(
            "The filters of β = 50 are more local than their own permutations",
            "With the stronger λ, the filters of β = 50 are more local than those of SGD, by the "
            "window (100 epochs, mean over losses and images)",
        ),
    ),
    Question(
        "V3",
        "Is locality due to the shift-invariance of natural images?",
        IN_PART,
        "On CIFAR-10 mostly to crops, which shift images: filters are more local with crops than "
        "without augmentation by {0}, but have fewer weights too. The size of the shift does not "
        "set the range: with crops shifted twice as far it grows by {1}. The order of the inputs "
        "plays no part: trained on permuted pixels, filters are as local once the permutation is "
        "undone.",
        "figure4#where-do-the-weights-of-a-unit-lie",
        claims=(
            "Crops make the filters of β = 50 more local than no augmentation does",
            "Weights of a filter gather over a wider range where crops shift twice as far "
            "(β = 50, α = 4)",
        ),
    ),
    Question(
        "V3",
        "Would other data give local filters?",
        IN_PART,
        "On images of a nonlinear Gaussian process, and on its Gaussian clone, the filters cannot "
        "be told from those of SGD, pruned to as few weights (one run each). On Gaussian images "
        "with the covariance of CIFAR-10's classes, locality beyond chance: {0}; on natural images "
        "with shuffled labels: {1}; on spectrograms, β = 0 in time more than in frequency: {2}.",
        "origin#a-process-whose-gain-is-known",
        claims=(
            "On Gaussian images with each class's covariance, filters of β = 50 are local",
            "With shuffled labels, filters of β = 50 are local",
            "On spoken digits, filters of β = 0 are more local in time than in frequency",
        ),
    ),
    Question(
        "V3",
        "Do the learned filters transfer from one data set to another?",
        IN_PART,
        "Between CIFAR-10 and CIFAR-100, by what a network starts from. Masks from CIFAR-100 over "
        "none: {0}; over rewired ones: {1}; over these masks with their initial weights: {2}. Its "
        "first layer, frozen, over that of SGD: {3}.",
        "transfer#every-start",
        claims=(
            "With masks found on CIFAR-100, SGD is better on CIFAR-10 than without masks",
            "These masks are better than masks rewired at random, whose places are not local",
            "A new initialisation of these masks changes the accuracy by less than 1 point",
            "A frozen first layer is better on CIFAR-10 if β = 50 trained it on CIFAR-100 than if "
            "SGD did",
        ),
    ),
    Question(
        "V3",
        "Why do LOCAL and CONV have different numbers of parameters?",
        ANSWERED,
        "CONV has one filter for all positions, LOCAL a filter for each, so that in the shallow "
        "network the first layer of LOCAL has s²/4 times the weights for s × s pixels, and the "
        "others are equal. For the deep LOCAL network the paper's table counts too few: it does "
        "not fit the shapes of the layers.",
        "fewest_weights#how-many-weights-the-networks-have",
    ),
    Question(
        "V3",
        "Are the two lengths of training a case of epoch-wise double descent?",
        IN_PART,
        "Without augmentation the accuracy of SGD falls and does not recover within 400 epochs; by "
        "the recipe it does not fall at α = 1 to 8. A second descent is seen with β = 0 and "
        "β = 50 at α = 4 within 100 epochs without augmentation, not corrected for the number of "
        "conditions. "
        "Trainings of 4000 epochs were not run.",
        "double_descent#does-longer-training-show-double-descent",
    ),
    Question(
        "V4",
        "Can the learned operation be stacked into a deeper network?",
        IN_PART,
        "β-LASSO in all eight layers of D-FC, over the far smaller S-FC, at α = 1: {0}. Masks of a "
        "first layer as those of later ones were not tried.",
        "variants#more-than-one-layer",
        claims=("With β = 50, D-FC is better than S-FC",),
    ),
    Question(
        "V4",
        "Does it transfer between CIFAR and SVHN, or to ImageNet?",
        IN_PART,
        "Between CIFAR-10 and CIFAR-100 only. SVHN can be had by the library and was not trained; "
        "ImageNet cannot.",
        "transfer#every-start",
    ),
)
