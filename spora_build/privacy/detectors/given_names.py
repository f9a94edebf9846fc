"""Common given names in the languages that the gate knows, without those that are also places, stains or words."""

from __future__ import annotations

import unicodedata

_LIST = """
aaron abigail adam adele adrian adriana agnes agnieszka ahmed aino aisha ake alain alan albert alberto aldo alejandra
alejandro aleksandra alessandra alessandro alessia alexander alexandra alfred alfredo ali alice alicia alina alois
alvaro amanda amelia amelie amy ana anais anders andre andrea andreas andres andrew andrzej angel angela angelika
anita anja anke ann anna anne anneli anneliese annette annika annikki anthony antoine anton antonella antonia antonio
antti armin arne arthur arturo asa asger asta astrid aurelie aurora barbara beat beatrice beatriz benedikt benjamin
benoit bent berit bernard bernd bernhard bettina birgit birgitta birgitte birthe bjarne bjorn borje brandon brian
brigitte bruno camilla camille carina carla carlo carlos carmen carol caroline carolyn caterina catherine cecile
celine charles chiara christa christian christina christine christoph christophe christopher claire clara claude
claudia claudio concepcion cornelia cristina daniel daniela daniele danielle david deborah denis denise dennis diana
diego dieter dietmar dirk dolores dominik dominique donald donatella donna dorothea dorothy dorte edith eduard eduardo
edward eero eeva egil einar eino eirik elena elin elisa elisabeth elise elizabeth elke ella ellen elsa elzbieta emilia
emilie emily emma emmanuel enrico enrique eric erich erika erkki erling erwin esa espen esther eugenio eva evelyn
fabian fabienne fabio fatima federica federico felipe felix ferdinand fernando filippo fiona flavia flemming francesca
francesco francine francis francisco francois francoise frank franz franziska frederic friedrich fritz frode gabriel
gabriela gabriele gary geir genevieve george georges gerald gerard gerd gerhard gerhardt gerrit gertrud giacomo gianni
gilles giorgia giorgio giovanna giovanni gisele gitte giulia giulio giuseppe gloria gonzalo gosta grazia grazyna
gregory greta grete gudrun guillaume guillermo gunilla gunnar gunter gunther gustav guy hakan hakon halvor hannah
hanne hannelore hannu hans harald harold harri harry heather hector hedda heidi heikki heinrich heinz helen helena
helene helga helge helle helmut hendrik henning henny henri henrik henry herbert hermann hilde hildegard hjordis horst
hubert hugo ignacio ilkka ines inge ingeborg inger ingrid ingvild irene irma isabel isabella isabelle ivan jaakko
jacob jacqueline jacques jadwiga jakob james jan jana jane janet janice janne jannik jari jason javier jean jeanne
jeffrey jennifer jens jeremy jeroen jerome jesper jessica jesus joachim joan joanna joao joaquin jochen joel johan
johann johanna johannes john jonas jonathan jorg jorge jorgen jorma jorunn jose josef josefa joseph josephine joshua
jouni joyce jozef juan juana judith juha juhani jukka julia julian julie julien juliette jurgen justin jutta kaarina
kaisa karen karin karl karla karsten katarzyna katharina katherine kathleen kathrin katja kenneth kerstin kevin
kimberly kirsten kirsti kjell kjersti klaas klaus knud knut konrad kristin krzysztof kurt larry lars lasse laura
laurence laurent lea leena leif lennart leon leonardo leonie leopold liam lidia lina linda lisa lisbeth lorenzo louis
louise luca lucas lucia lucie lucien ludwig luigi luis luisa lukas lydia maarten maciej magdalena magnus maija maja
malgorzata manfred manon manuel manuela marc marcel marcello marcin marco marcos margaret margarete margarita
margherita margit margrethe marguerite maria marianne marie marina mario marion marit marja markku markus marlene
marta martha martin martina martine massimo mateo mathias mathieu mathilde mats matteo matthew matthias matthieu matti
maurice maurizio maximilian megan melanie melissa mercedes mette mia michael michaela michel michele michelle miguel
mikael mikko mirjam mogens mohamed mohammed monica monika monique moritz morten muhammad nadia nadine nancy natalia
natalie nathalie nathan nicholas nicola nicolas nicole niels niklas nils nina noah noel noemi nora norbert odette olaf
olav olavi ole olga oliver olivia olivier olof oskar otto outi oyvind paavo pablo palle pamela paola paolo pascal
patricia patrick patrizia paul paula pauline pawel pedro pekka pentti pernille peter petra petter philip philipp
philippe pia pierre pietro pilar piotr pirjo pirkko preben rachel rafael raffaele ragnar ragnhild rainer ralf ralph
ramon randi raquel rasmus raul raymond rebecca regina regula reidar reinhard renata renate rene renee ricardo riccardo
richard riitta risto rita robert roberta roberto rocio rodrigo roger roland rolf romain ronald rosa rosario rosemarie
ruben rudolf ruth ruud ryan sabine sakari salvatore samantha samuel sandra sandrine santiago sara sarah scott
sebastian sebastien seppo serge sergio sharon shirley sibylle siegfried sigrid sigurd sigvard silke silvia simon
simone sinikka sirpa sofia solveig sonia sonja sophia sophie soren stanislaw stefan stefania stefano steffen steinar
stephan stephane stephanie stephen steven stuart susan susana susanna susanne suzanne svein sven svetlana sylvia
sylvie synnove tanja tapani tapio tarja teemu teresa terje theo theodor theresa therese thierry thomas thorbjorn
thorvald tiffany tiina tim timo timothy tjark tobias tomas tomasz tommaso tore torgeir torhild torsten tove trond
trygve tuija tuula tuulikki ulf ulrich ulrike unni urs ursula urszula uta ute uwe valentin valeria valerie vanessa
vera verena veronica veronika veronique vesa vibeke vicente victor vidar vigdis vincent vincenzo vittorio viviane
walter waltraud werner wilhelm willi william wim wojciech wolfgang xavier yannick yolanda yrjo yves yvonne zachary
zbigniew zoe zofia
"""
_NAMES = frozenset(_LIST.split())


def is_given_name(text: str) -> bool:
    """Whether the word is a common given name, with or without its accents, that begins with a capital."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return text[:1].isupper() and "".join(part for part in folded if not unicodedata.combining(part)) in _NAMES
