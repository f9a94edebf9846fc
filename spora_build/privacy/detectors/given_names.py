"""Common given names in English, German, French, Italian and Spanish, without those that are also places or stains."""

from __future__ import annotations

import unicodedata

_LIST = """
aaron abigail adam adele adrian adriana agnes agnieszka ahmed aisha alain alan albert alberto aldo alejandra alejandro
alessandra alessandro alessia alexander alexandra alfred alfredo ali alice alicia alina alois alvaro amanda amelia
amelie amy ana anais andre andrea andreas andres andrew angel angela angelika anita anja anke ann anna anne anneliese
annette annika anthony antoine anton antonella antonia antonio armin arthur arturo astrid aurelie aurora barbara beat
beatrice beatriz benedikt benjamin benoit bernard bernd bernhard bettina birgit brandon brian brigitte bruno camille
carla carlo carlos carmen carol caroline carolyn caterina catherine cecile celine charles chiara christa christian
christina christine christoph christophe christopher claire clara claude claudia claudio concepcion cornelia cristina
daniel daniela daniele danielle david deborah denis denise dennis diana diego dieter dietmar dirk dolores dominik
dominique donald donatella donna dorothea dorothy edith eduard eduardo edward elena elisa elisabeth elizabeth elke
ella ellen elsa emilia emilie emily emma emmanuel enrico enrique eric erich erika erwin esther eugenio eva evelyn
fabian fabienne fabio fatima federica federico felipe felix ferdinand fernando filippo fiona flavia francesca
francesco francine francis francisco francois francoise frank franz franziska frederic friedrich fritz gabriel
gabriela gabriele gary genevieve george georges gerald gerard gerd gerhard gerhardt gertrud giacomo gianni gilles
giorgia giorgio giovanna giovanni gisele giulia giulio giuseppe gloria gonzalo grazia gregory guillaume guillermo
gunter gunther gustav guy hannah hannelore hans harald harold harry heather hector heidi heinrich heinz helen helena
helene helga helmut henri henry herbert hermann hildegard horst hubert hugo ignacio ines inge ingeborg ingrid irene
irma isabel isabella isabelle ivan jacob jacqueline jacques jakob james jan jana jane janet janice jason javier jean
jeanne jeffrey jennifer jeremy jerome jessica jesus joachim joan joanna joao joaquin jochen joel johan johann johanna
johannes john jonas jonathan jorg jorge jose josef josefa joseph josephine joshua joyce juan juana judith julia julian
julie julien juliette jurgen justin jutta karen karin karl karla katarzyna katharina katherine kathleen kathrin katja
kenneth kerstin kevin kimberly klaus konrad kristin krzysztof kurt larry lars laura laurence laurent lea leon leonardo
leonie leopold liam lidia lina linda lisa lorenzo louis louise luca lucas lucia lucie lucien ludwig luigi luis luisa
lukas lydia magdalena maja manfred manon manuel manuela marc marcel marcello marcin marco marcos margaret margarete
margarita margherita marguerite maria marianne marie marina mario marion markus marlene marta martha martin martina
martine massimo mateo mathias mathieu mathilde matteo matthew matthias matthieu maurice maurizio maximilian megan
melanie melissa mercedes mia michael michaela michel michele michelle miguel mirjam mohamed mohammed monica monika
monique moritz muhammad nadia nadine nancy natalia natalie nathalie nathan nicholas nicola nicolas nicole niklas nina
noah noel noemi nora norbert odette olaf olga oliver olivia olivier oskar otto pablo pamela paola paolo pascal
patricia patrick patrizia paul paula pauline pedro peter petra philip philipp philippe pia pierre pietro pilar piotr
rachel rafael raffaele rainer ralf ralph ramon raquel raul raymond rebecca regina regula reinhard renata renate rene
renee ricardo riccardo richard rita robert roberta roberto rocio rodrigo roger roland rolf romain ronald rosa rosario
rosemarie ruben rudolf ruth ryan sabine salvatore samantha samuel sandra sandrine santiago sara sarah scott sebastian
sebastien serge sergio sharon shirley sibylle siegfried sigrid silke silvia simon simone sofia sonia sonja sophia
sophie stefan stefania stefano steffen stephan stephane stephanie stephen steven stuart susan susana susanna susanne
suzanne svetlana sylvia sylvie tanja teresa theo theodor theresa therese thierry thomas tiffany tim timothy tobias
tomas tommaso ulrich ulrike urs ursula uta ute uwe valentin valeria valerie vanessa vera verena veronica veronika
veronique vicente victor vincent vincenzo vittorio viviane walter waltraud werner wilhelm willi william wolfgang
xavier yannick yolanda yves yvonne zachary zoe
"""
_NAMES = frozenset(_LIST.split())


def is_given_name(text: str) -> bool:
    """Whether the word is a common given name, with or without its accents, that begins with a capital."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return text[:1].isupper() and "".join(part for part in folded if not unicodedata.combining(part)) in _NAMES
