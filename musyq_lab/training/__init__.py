"""Training: exercises of the notebooks, their check against the simulated truth, and the folder for a workshop.

*An exercise* is data. Its row lies in ``catalogs/exercises/<notebook>.yml``, its truth is a function of
``musyq_lab/training/truth/<topic>.py``. To add one:

1. write the row (fields: :class:`musyq_lab.training._exercise.Exercise`)::

       temperature-1:
         question: "What is the temperature of the ground below the mast?"
         answer: number                    # number, array, choice or set
         units: K                          # of numbers and arrays
         tolerance: {absolute: 0.3}        # in the unit; relative: 0.05 is 5 % of the truth; both add up
         truth: temperature.below_mast     # function below_mast in musyq_lab/training/truth/temperature.py
         hints:
           black_body: "The ground is no perfect radiator: divide by the emissivity too."
         next: "Compare with what Landsat found in that cell."

2. write the function. The names of its parameters are names of the notebook, from which ``ml.check`` takes them; it
   returns the right answer, or a :class:`musyq_lab.training._truth.Truth` that also says to what typical mistakes lead
   (the names are those of the hints)::

       def below_mast(truth, at, up, e):
           return Truth(float(truth["surface_temperature"].values.flat[at]), mistakes={"black_body": ...})

   Mistakes of all exercises (stored integers, per cent, degC for K, the sign, a flipped or swapped layer, clouds left
   in) are known already: :mod:`musyq_lab.training._mistakes`. A hint of the same name replaces their words.

3. end the exercise of the notebook with the cell ``ml.check("temperature-1", answer)``, tagged ``check``.

Texts are English, or ``{en: ..., zh: ...}``.
"""
