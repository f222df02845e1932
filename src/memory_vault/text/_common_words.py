"""Common English words that the offline token counter knows to be cheap.

The whole words among the first entries of the vocabulary of BERT base uncased (Devlin et al.,
2019; Apache-2.0) that read as one token in both cl100k_base and o200k_base after a space.
"""

from __future__ import annotations

_TEXT = """
the and was for with that his from her she you had were but this are not they one which have him
first all also their has who out been when after there into new two its time would what about said
over then other more can like back them only some could where just during before made school
through than now years most world may between down well three year while will later city under
around did such being used state people part know against your many second university both
national these don known off way until how even get head didn team american because born united
film since still long work south any high again day family see right man eyes house season war
states including took life north same each called name much place however four group another found
won area here going away series left home music best make hand number company several never last
john very album take end good too following released game played little district old want those
side held own early county league use west face think government march came small general town
line based something september thought along international air club went our august april york few
east show member college father public come men five set station church next former november room
party located december age got system let love though every look song water century without body
black night within great women single building large population river named band white started
once should service top built british open death king local times children book why door need
president order final road although due major village third asked wanted say together received
main son different behind himself members power football law voice play near park history having
saw mother army point front help english street art late hands games award young put published
country division across often ever french london center six red led days include light find tell
among species really according central half form original office making enough lost full must
included live given german player run business woman community cup might million land court
development short round seen class story always become sure research almost director council
career things using island car close force better free support control field students education
married nothing others record big inside level anything continued give james military established
non returned feel does title written thing feet far association hard already championship human
western department hall role various production heart living fire version television royal
produced working act case society region present radio period looking least total keep wife
program per brother mind special works soon political services taken created further able david
union joined upon done important social information either position ground lead rock dark election
board france hair course arms site police girl instead real sound words moment someone summer
project san less past blue founded finally india taking records america design northern god stop
battle european outside track today playing language call heard professional low australia miles
california win yet green trying blood southern science maybe everything match square mouth video
race recorded leave above daughter points space museum change middle common move post lake seven
tried closed ten paul minister months start chief return canada person sea release similar modern
rest hit floor event doing care training star week needed turn finished railway rather news health
sent example ran term michael coming currently yes forces despite gold areas stage fact dead says
popular originally germany probably developed result friend money running signed word songs child
eventually met tour average teams minutes festival current deep kind usually eastern episode bed
added table indian private route available idea throughout centre addition style books eight
construction press mean wall friends schools study institute chinese sometimes events possible
type brown forward talk process food seat performance committee features character arts else lot
strong russian range hours peter arm morning sold quickly directed guitar china list media players
smile coach province towards leading whole boy official designed grand census europe attack
japanese cross getting alone action lower network wide washington japan hospital believe changed
sister hold gone sir ship studies academy shot rights below base bad largest bank future
especially beginning mark movement section female magazine plan professor lord longer sat hill
actually civil energy model families size thus aircraft completed includes data captain fight
featured bridge fourth officer stone hear means medical groups management self lips competition
entire technology leaving federal tournament bit passed hot independent awards kingdom mary fine
doesn jack fall raised stay true studio sports paris systems saint leader theatre market capital
parents spanish canadian earth cut degree writing bay christian natural higher bill coast provided
previous senior valley organization countries parts conference queen security interest saying
allowed master earlier phone matter smith winning try moving campaign los breath nearly mid
certain girls date italian african standing fell artist shows deal mine industry everyone republic
provide collection library student primary owned older via heavy makes attention anyone africa
length command staff skin foreign opening governor okay medal kill sun cover job chest hell
feeling success meet reason standard meeting novel trade source buildings rose guy goal chapter
native husband previously unit limited weeks producer operations mountain takes covered forced
related roman complete successful key texas cold channel traditional films dance clear
approximately nine van prince question active tracks regional silver author personal sense
operation economic holding twenty additional speed hour edition regular historic places movie
secretary prior report chicago read foundation view engine units ask airport property ready
immediately lady month listed contract manager lines navy writer runs practice championships
singer glass commission required forest starting culture generally giving access test couple stand
catholic martin executive eye thinking chair quite shoulder hope decision plays whether structure
pain ice direction paper mission mostly individual managed nature lives plant except computer
figure relationship issue significant loss die gun ago highest male bring goals mexico problem
distance commercial completely location annual famous drive neck surface understand highway wrong
hotel comes appearance double issues musical companies castle income review assembly bass
initially parliament artists experience walk foot engineering talking window miss baby boys break
stars edge remember policy train stadium bar sex evidence assistant upper step wing youth
financial reach actor numerous minute sorry complex beautiful victory associated temple chance
perhaps metal bishop lee particularly tree subject prize contains yeah theory empire suddenly
waiting trust recording happy terms camp champion religious pass names port ancient tom corner
watch legal anti justice cause brothers material changes simply response louis fast answer
historical stories straight create feature increased rate administration activities cultural
overall winner programs basketball legs guard beyond cast doctor flight results cost effect winter
larger islands problems chairman commander isn pay failed selected hurt fort box regiment majority
journal plans pretty characters scene allow spring junior matches looks mike houses fellow beach
marriage rules oil florida expected nearby congress sam peace recent wait cell variety serving
please poor joe attempt wood democratic piece prime rural mile touch township soldiers fighting
score physical editor specific sitting super mom therefore supported status fear cases store
meaning minor tower focus vice frank follow parish separate golden horse fifth remaining branch
presented uses secret forms baseball exactly choice note travel truth ball color kiss dad wind
continue ring numbers digital greater direct increase responsible crew rule trees goes individuals
hundred weight creek sleep memory defense provides ordered code value jewish windows safe judge
whatever corps growing pre cities lies spread letter situation mayor transport watching workers
extended expression normal chart multiple border host daily walls piano heat cannot products drama
era authority seasons join grade sign machine territory stations iron serve sky speak broken
charge knowledge removed ships article campus simple leaves recently soft easy quality officers
presence planned nations mass broadcast jean share image influence wild offer emperor electric
reading ability yellow ministry latin cars lack pop acting seeing estate pressure newspaper online
conditions beat elements walking vote needs text featuring global block shirt levels purpose duke
ahead gas twice safety serious turning highly lieutenant firm amount mixed proposed perfect
agreement affairs seconds contemporary paid prison save kitchen label administrative academic nice
teacher corporation ben nation shut housing seems opera function von build shortly protection
picture exchange elections loved percent racing fish garden volume hockey drew actress marine
steel farm risk tonight positive magic singles effects gray screen dog residents bus none
secondary literature polish flying founder lay reserve usa gallery industrial approach urban ones
finish avenue powerful fully growth page honor jersey projects advanced basic infantry pair
equipment visit evening search grant solo treatment republican bottom owner gives jim dream bob
spot notes produce champions contact soul accepted ways del losing split price capacity basis
trial questions guess memorial naval initial median engineer strength tears senate card asian
agent software draw warm com pro candidate escape mountains asia potential activity entertainment
traffic murder slow product orchestra haven agency website comedy unable storm planning albums
rugby environment scientific protect boat typically damage principal dedicated mount ohio pick
driver empty sort thank berlin account freedom necessary alex headquarters des operating learning
steps sweet technical begin easily teeth speaking settlement scale ray max enemy semi joint
compared leadership analysis offers pieces animal deputy guest combined method challenge huge
wants sons rise crime types facilities path platform sit assigned rich pull alive letters concept
bought holy gets ocean languages coffee applied sciences concert sounds jazz brain painting fleet
tax nick count animals leaders episodes content birth clubs palace critical fair leg returning
formation connected medicine santa powers adam tall shared knowing entrance falls calling sources
resources yard silence zone defined thirty bodies moon christmas register apart premier unknown
parties generation quick fields brigade quiet teaching clothes impact weapons partner flat theater
supreme relations plants kids begins seats armed internet models worth laws communities classes
background thanks quarter humans carry killing format setting architecture disease railroad inc
possibly wish thoughts doors density crowd tone unique reports anyway liberal der vehicle thick
dry drug facility theme holds creation strange revolution bell politics turns silent rail relief
independence combat shape write sales learned finger providing heritage fiction distribution sight
interview estimated reduced keeping guys damn claim motion sport sixth rear receive twelve dress
audience granted brazil spirit representative tight trouble reviews drink vampire missing roles
ranked newly household finals wave critics phase pilot unlike bright guns crown organizations roof
clearly circle fox bronze expanded sexual supply yourself inspired labour reference vision draft
connection brand reasons classic driving trip cells entry neither trail claims orders labor nose
intelligence calls cancer passing positions imperial grey sunday avoid extra uncle message covers
allows surprise materials fame hunter citizens figures environmental titles performing difference
acts existing votes opportunity nor shop pakistan develop representatives actions reality wine
conversation faculty northwest ends documentary nuclear stock grace sets eat alternative bag
creating cemetery drop finding cricket streets tradition ride exhibition target ear rain composer
injury apartment municipal educational clean billion constitution learn maximum classical lose
opposition jose bear core hills ending permanent fun sites chamber height lyrics officials snow
orange qualified interior apparently thousand dinner lights fans greatest conservative send bowl
plus enter catch economy duty speech authorities princess versions shall graduate pictures
effective poetry desk starts passenger sharp acres ass weather falling rank fund supporting check
adult publishing heads southeast lane application les condition transfer prevent display regions
federation cool besides mix reaction dean express peak counter religion chain rare convention aid
lie vehicles mobile perform squad wonder crazy sword philosophy category interested wolf
frequently literary alliance task promotion factory tiny soccer matt defence internal methods
otherwise programming elementary rooms criminal conflict attempts signal bird truck programme
communist details faith sector laugh controlled showing origin fuel evil brief identity darkness
address pool publication web planet anne wings standards ideas climate worse articles winners
desire northeast dangerous gate wooden multi rising funding communications communication violence
copies prepared ford investigation skills electronic ultimately offices understanding restaurant
tomorrow fashion christ ward pope flow studios exist fresh wrestling approved kid respect suit
angel asking increasing frame angry selling thin finds temperature statement ali explain narrow
jane flowers images promise object fly bureau cape weekly presidential legislative launch strike
institutions roll writers landing attorney fit dan billboard agricultural breaking lands
specifically hole credit roads accident wear hey guards stuff expansion cat sub southwest
architect failure plane map camera tank listen regarding wet introduction metropolitan link
fighter inch gene fixed buy domestic worldwide chapel mill functions examples developing turkey
hits pocket papers grow unless circuit attached selection journey converted provincial hearing
aren bands negative aside knight lap survey noise shooting guide bedroom priest resistance motor
homes giant scenes equal comic patients hidden solid actual bringing funds wedding canal kim
treaty recognition residence cathedral broad incident fired handle contest represent beauty birds
advantage emergency wrapped drawing notice pink broadcasting somehow bachelor seventh registered
alan chemical personnel retirement device threat progress advance banks teachers structures
forever tennis helping sale applications junction hip incorporated neighborhood ceremony hers
visual inner hung gain scheduled downtown clock certainly pale protected employees plate putting
blues tropical consider philippines accept retrieved concern properties institution successfully
outstanding muslim crossing folk demand lawyer string budget items typical derived mental ltd
extremely athletic loud thousands shadow transportation weapon arena importance users tim objects
dragon senator sisters engines flag investment shock row wheel session biggest wins hate request
underground churches walker wars tunnel agriculture cabinet push dates spend behavior woods
protein chase mention burning wake combination mirror leads indeed impossible singapore soldier
locations attendance sell painter changing experienced inches vol reform rolling forget massive
allen locked values improved universe sick dating facing pack purchase user moments anniversary
coal brick causes dynasty establish stores crisis views cards extension raise improve colonial
formal palm lucky hide rescue faces candidates goods courses weekend cash fallen installed costs
responsibility shore file proper normally assistance jump constant offering friendly waters
persons trophy partnership factor cry bound hero medium cycle beer eleven worst weak chin loan
universal bond pattern lip arab capture insurance cave prix warning sections courts coat plot feed
golf favorite maintain knife degrees finance opinion translation productions choose discovery
stream techniques attend ranking kings throw measure horror fan mining sand danger salt dam
require runner rush associate rivers documents steam edited closing tie distributed directors
organisation mad lit arrival concrete taste composition faster amateur twin publications obviously
ridge storage pages desert universities ages terminal sequence borough creative economics dreams
reduce mode saved jan vocal riding meanwhile grass charges tea appeal solution classification glad
parking belt physics add expedition gift childhood fifty mathematics defensive testing hundreds
shoot owners matters smoke dancing mounted designs profit truly cole decide poverty gay fishing
determine residential acid alice returns mail strategy net forty cook businesses equivalent ill
seriously shift replace rio imagine formula ensure additionally scheme conservation occasionally
favor contrast hanging hunt movies instruments busy demon sugar colony balance visible zero
continuing counties legend bathroom option tail clay afterwards jaw visitors devices aviation
subjects temporary swimming smooth ghost audio bush rocks signs ann voices memories pure measures
parliamentary benefit flesh patient sleeping membership coastal medieval element scholars rice
limit makeup rating definitely collaboration boss birthday linked soil offensive shell waist plain
organ resolution manufacturing adding relative whilst marketing gardens crash heading partners
moves cable depending bottle represents jobs lock routes talent commissioner drugs secure tests
photography contributions designer disc robin las satellite interesting factors deck speaker rifle
domain comics actors reputation ceiling script leather parallel tools gender fruit laboratory
fantasy rapid aunt tribe requirements suicide bone kick clothing column rough gods hunting
spending requires solar bones drinking waste index charity tip flash landscape friday enjoy
listening fred differences bomb surgery corporate masters waves odd sean dick debate eating puerto
expect cinema blocks electrical agree depth panel peninsula adults metro shoes tamil instance
heaven sending marks passage superior shopping malaysia technique maintenance destroy extreme
allied fill advice policies hat battery smart authors coalition funny outer ambassador roy couples
loose supplies monster shake agents frequency springs dogs practices gang plastic blade colors
industries markets pan electoral charts ownership mac appointment shield copy assault socialist
monument license employment replacement charter cloud powered accounts oak colour crystal context
networks manage schedule totally remix print strategic engineers roots seek correct und hop
welcome exit rates strip whereas sing adventure components cap useful personality knee protest
boundary processes considering cooper trading dear conduct illegal apple revolutionary holiday
definition grip classified seeking honour approval mechanical till statue immediate describe
commerce indonesia meat baker orthodox depression naked sentence document spiritual bent virgin
minimum lunch printed compilation false blow cutting shadows indigenous jon scholar stick meetings
spell romantic photo customers keys modified jeans raw phil detective resident diamond coverage
external parks bible lift profile clan mills nobody achievement fault initiative breakfast carbon
ken killer dollars processing remove guests sang chemistry legislature uniform integrated proposal
purple liquid nights stones experimental pace blind reporter centers burn basin forgotten filed
collections manual couch description tag restoration triple elder warriors amazing merchant output
bare dawn electricity exception symbol ladies shower sheriff characteristics button ratio summit
angle jury bears foster pants advertising patrol lifetime principles athletics sponsored rob
creature credits harbor dust territories milk infrastructure completion assist pitch operational
hence sad fur sessions refer exists scientists dirty burst portrait seed pole limits stable alpha
grave constitutional alcohol arrest flower mystery devil relationships habitat progressive remote
cotton scholarship joy teach eve searching participation gap animated fate excellent alternate
saints discussion choir lakes jacket revenue nevertheless instrument managing signing apply
clinical aim fuck farmers ninth pride evolution ordinary tech representation sharing panic exact
cargo fat cabin borders transition bet permission slave similarly shares benefits colleges mall
transit publisher machines ash argument parent leo contribution opportunities guardian bloody
diameter phoenix identify spin funeral gear random grab transmission sacred gates luck agencies
yours hull expert muscle layer practical latest statistics recommended warrior mess supports eagle
rated stops eggs files premiere pit paint mate bonus styles technologies cooperation judges
continental spider bite mixing bow tourism suppose tiger participants nurse tape psychology
essential duo voting emotional channels carrier intersection beast lab nova bench discuss costa
detailed drivers unfortunately obtain rocky siege friendship honey amy hang posted governments
respond wildlife preferred operator videos boots weird automatic mood venue jet passion biological
dirt buffalo segment abuse genre stroke stress exercise wonderful madrid component tale citizen
todd monday switch drum ted proof cream researchers volunteer silk allies venture principle
delivery enterprise bars witch copper inter links competitive pat detail themes villa tool crimes
answers licensed resort hans lion writes trials generated noble debt percentage grades confidence
telephone retail dual checked regulations sung rico liberty assets options angels tribute wells
leaf forum monthly patterns hurricane rev elite disaster democracy awareness loop absolutely sole
prayer releases bull lover midnight conclusion proud sample instant horn ain autumn ferry root
tales sheet helps indicates gentle mines vegas continuous trio bat scientist pioneer delta
minority mini lots indoor load shots updated jail connecting wealth cardinal flood whenever
relation moral repair revenge punk bath lists illustrated whisper ultimate lions andre gathering
comfort radar suitable ban pine bid timber giants recovery categories ensemble therapy peoples
pearl platforms everywhere ballet tables outdoor spaces exclusive connections winds collective
tube thai select pen fortune ticket animation enforcement tanks lowest furthermore fighters
solutions peru knights mask worker flames reduction volunteers reporting wire advisory origins
knock consumer compound mansion perspective shops maps alien bridges heroes fed derby patent
adventures slide biology swing prepare implementation certified garage rage harm nigeria breast
furniture balls client linear celebration latino genetic terror lightning fee witness lodge skull
hood wang sporting missile worship package chess doctors treat harbour amendment sized companion
loves scout battles vertical romance craft www opens honest yesterday virtual snake radical
speakers saving ease lighting farmer beam sur microsoft reply sweat immigration physician discover
exposure sandy explanation hart connect presents heights regardless slip surely preparation
experiment interstate organic error tours tier plenty talks welfare trick belly conversion
computers hello globe rocket prices inn references airlines comment absolute improvement suite
towers gauge rings interviews trace thumb departments burns serial scores acquisition phrase cliff
han custom assessment cafe difficulty democrat commons sum substitute bearing stretch reception
essentially destination survival resource messages tear parade partial framework frozen procedure
controls shelter personally tested marble comprehensive oxygen mars explosion congressional
inspector seal divine coaching examination manufacturer sink columns signals dining photos martial
plates ministers taxes curve restricted likes statistical inspiration execution bold intermediate
margin wheels intellectual widow earn secrets maritime goddess clerk database ideal aspect soap
regulation strings expand retreat tough coins directions shipping comparison topics fortress
clients intent bread youtube collapse challenges objective submitted virus assume diseases marc
stem fellowship relevant restaurants targets verse instruction reverse employee arch keeps payment
sexy ruth dollar boards comments liberation holland diesel den rider extend input meal everybody
cylinder bullet logic healthy fool chocolate wise preserve chicken artificial gross cage dialogue
narrative stranger bike mouse revised veteran legion drag excellence customer printing variable
bin legacy symptoms binding grammar gospel mathematical quit fundamental hardware chuck magnetic
skill reader hearts automatically seeds monitor fix journalism signature ranch encounter
photographer observation calendar cruz naturally basement hook dare fury efficient arc deliver min
raid efficiency axis instructions trap anchor tomb electronics readers innovation collect
engagement peer logo lean floors architects rope samples banking declaration advocate armor twins
reviewed matrix pulse usage riders certificate mutual customs circular removal loaded dame lessons
ram google plaza brilliant bills server pleasant veterans fail beta brush radiation stored sin
archives judicial installation floating fake lesser interface monk auto egg dies interaction
defender glory loving http awake ski handling rookie brow somebody biography warfare contracts
presentation fabric meter psychological elevated rally hospitals specialist exhibit shed nursing
fluid structural reflect integration preservation marvel variant pirates sheep rounded functional
emerging boxing curse editorial grid boxes consumption molecular variation civic graphics
professionals realm autonomous receiver workshop chairs trump canyon lovely happiness stake
embassy cloth contents courage graphic rebels cooking humanity freight rebel deer flame barrel
posts invitation depot rod concepts topic chambers blast worlds span chaos sanctuary mud unity
closure thunder cork dome tasks experts equation delay creator publishers poll quantum ignore
commentary plains crack gather wolves marathon cruise punch alarm ratings daddy queens guidance
tactical marshal arrow tender advisor escort spare farms grants dragons cameras spirits statements
suspension fence recreation bags pond spy transformation glow barn stern pipe serie mercy spectrum
yang epic magical judgment hammer tune das sheets neutral oral shade estates manufacturers mercury
syndrome porter hamburg identification pause affiliate reconstruction diet blank anime orbit cult
archive disorder mia violet fires followers prototype voyage assignment moderate protocol brass
math dynamic quest boom presidency barrier mosque tribal cheese portions treasure bend download
millions registration consequently monitoring exterior intervention ports log displays lecture
invisible breed relay explore procedures cannon blond chains libraries facts fairy cats cop
announcement item vinyl frontier curriculum ritual hollow hybrid jungle platinum col rubber
diversity healing administrator org associations essays consultant proceedings kit buddy dock
stockholm manga robot celebrity bride pot drinks alley recover grain patch legendary gen gravity
exploration amber vital doctrine pet creates discipline drops hunger layers fever bits keyboard
appeals testament grande depends sprint pound pub echo nationwide guild motorcycle chiefs desired
bye booth citizenship ace blonde sustainable galaxy nest chip tan shaft requirement paradise
tobacco trans holder butterfly cherry bowling trailer toy interactive enabled facebook recall
shorts superintendent laser array deals permit cottage horizon chapters patron navigation
behaviour export swift entity casting criteria geographic reflection brave streams zoo dictionary
vector stability chan gesture monsters pastor unexpected operators coin associates migration pin
compact reserved restore oval flags neo symbols restrictions editing java dee removing hindi
casino minds hotels refuge rent terrain fork souls counts cab moreover tent evaluation panels
trucks cluster canon maker buying cleaning closet provision clinic rat cent trustees checking
authorized duration rolls hint define repeat wash optical width strict copyright investors mar jam
privacy harmony valid marsh routine enhanced intelligent substance smoking visa costume
compensation arsenal rid foods alumni whoever portal instructor duck teen thesis shame priority
forgot protective cartoon lonely trusted relax banner candy legends essay trigger sail alert penn
resist rosa counsel profession innovative cure accounting con scope gut herald codes luxury tin
prefer fountain triangle bonds darling slam lawyers outcome configuration toll lobby construct
shrine aggregate boot savage lifestyle holdings enable mama atomic hub currency steering gifts
sunshine chi solve trails ethics ana consent apartments layout hunters bulk reads admission brands
dimensions tracking circus fog accent cycling mature rap nonetheless motors ally generate caps
demo beds diary utility conscious observer developer probability olive gym miracle graves amazon
tickets prevention dense tang warehouse bang archived granite mineral mechanics stan stark est
disabled corn disk incredible sue twist developers computing choices dimension classroom prospect
honestly diploma thermal auxiliary feast treasury dish geological matching advances cake belle
fraud wisdom surveillance healthcare trend horizontal swim gorgeous fees adoption algorithm
integral powder adds wilderness arguments jets enterprises blog inquiry automobile hosting rays
strategies furious euro equality poison wireless rotation satisfaction oslo photograph doc stack
lance spike dos classics voltage pillow butt lens casual collector zones chef pregnancy estimates
cheap presenter glacier bolt abstract equity fusion lease edit anxiety ruby tel bout taxi frost
rainbow foundations nightmare console minimal everyday buck carpet cute millennium velocity rex
senators beard scouts ion bicycle wow lawn publish crush hon blessed editors estimate
responsibilities backup mit biblical pump genuine lou ton wrap odds lyon snap tips cal sends mild
assuming cups indie beck wizard rows idol discussions notre orientation beats salary trek
enrollment naming listing sphere cock nationals fin sleeve gaming pier pour trainer visitor pig
email reward vale shuttle bach rankings forbidden consumers fantastic machinery tide contacts
implement helmet mistress crop paths habit sunset lamp performs app rabbit entries slot lone
sponsor destiny convert shapes basically auction twitter mighty managers maiden electron berry
wheat payments geography bee react fitness investments viewing infant roses reliable choosing
consulting ribbon unified explorer inspection loading civilization wanna monkey fatal governance
certification graph withdraw moss accuracy kat penny freed update ham likewise doll myth resolve
dig coordinator entrepreneur fold capability sofa canvas keeper postal errors cognitive infinite
ink nacional chill eternal frog pizza regulatory yield mothers homeland static valve alto elephant
mentor badge detection cooperative pollution commit subway lesson provider fiscal heating basket
particle anonymous deployment shoe sec blacks sizes babies proceed disorders cruiser ore maid
blocking dove mann variables que juice labels arcade sage vacation hire toys measurement kay
settings triumph mandatory careers ava sterling transform loans summers dynamics commands
positioned responses expense imported velvet vic primitive donna rip hay timing geometry savings
curtain heal dealer coral maple polo watts genesis frames moist streaming genius momentum
placement clause reservation sketch lets charm hal ultra dot salon citation adopt mist cairo
portfolio integrity exercises tap cart chang shepherd terrace pdf ups governors shelf crest
embedded iso licence iris logical requests cow lung employer harvest prints threshold algebra
picks roller screw strand scar yuan flip mob applying gameplay rehabilitation prof presidents
fancy bark buttons liver cement hatch guarantee pirate essence filter crane elect screening module
availability pie alma soup cedar stamp exam peaks lang agenda dental fathers translator humanities
lin asset wei rim shark riot entities indo neighbor recommendations divide decoration revelation
dash mel crow crimson alter carnival controller detect para nurses noon cam hopefully ranger
combine sociology polar lust cooling homer dive petroleum trilogy lounge pension elegant ivory
sunny babe click pepper atlas physicians freak rational warn modes overnight din phantom
guidelines addresses cord linux deutsche bacon diagnosis throws complexity formats vault
highlights phones vacuum sandwich modeling bra differential tattoo container poker trash providers
void leap battlefield pad thread lesbian beg analog measurements dec toxic surgical economist
parameters quantity ella precision diamonds expenses paramount dim sweep websites val starter slim
toe cowboy chips exceptions zombie jung transactions shields dairy bug chat salmon grim toilet
delegate tray defines ming tooth gloves lid optional chronic compatible wage dodge gateway jewelry
accordingly seas fiber pyramid android lunar theft holidays mare dong raj bubble funk scenario par
scratch metals anthem guru disability messenger puzzle conservatives sharks securities madness jun
assassin laboratories applies verb lightweight submit balanced dude metric surge bulls sting bart
survivor complaint delicious coordinates bella catalog instances portable marker screens wool
plasma spark imaging contributor financing butter alignment institutional tribunal preference
brewery prophet quarterly radius temper menu laptop monetary watches upgrade needle xbox
encyclopedia confirm gambling tricks knot specialty trim feedback mon leisure shin meals passport
vera sparks ned saga spiral jade import champagne attributes submission shine consortium
guaranteed regards collision supervisor inform insight armour blink mapping flexible carr generic
metallic commissioners zach default spa rogue sen dell pipes comparable alphabet binary supplement
locate alt whites guides drain awesome downs atmospheric beef composite rockets simulation builder
spray aging clip depend disco fuller synthetic klein lamb cellular hut blend negro comparative
transaction gran buzz salvation inventory locker remarks kin rental compliance documentation
summary psychic reef employ meg bergen doom outline icon washing micro logistics torch sonic
folding ingredients levy institutes telescope luc pays slate astronomy rouge herb deposit tire
compare specification merry recommendation roma cuisine retrieve lantern trends premium bugs
fraction sauce quarry drill lace mint dub challenger mock enables analyst highlight automotive axe
mum traits mobility automated fade stereo boost charging vista bud tri necklace fried goose
grocery node singular grandma corp aluminum ordering drawer var hardcore poster gamma generator
shooter pipeline twilight passive straw bulletin processor whale mega saves turtle cone shades
participant freeze sigma licensing camping explicit eclipse minerals clash gram ventures fare
invite tiles facial yoga raises ramp tops nov outlet oct anatomy transparent injection plug
apprentice barber sodium def nowadays norm compression pose backpack aerospace showcase rue intel
fisheries bloom brake beans donation addiction apex lil trout sands genome amid defendant interval
teens stall robots ecology declare mat skeleton vintage coordinate candle fond owl goat skip phi
partition spatial merge scan disabilities dolphins semester bucket paperback sensor yan arrange
labs rover gore nursery ave styled tempo lok contractor bliss jewel sadly flour resume ing dial
silicon nail atom fireplace activation algorithms meditation illustrator bias tai wax bald calcium
tablet pharmaceutical flush pharmacy advent mafia sensors renewable revision nord corpus sunrise
bust confirmation lazy viewer cum projection puppet liability jeep wes bundle sol crafts jasmine
helpful networking replies convenient bean wan modification alternatively nat pam tile zip ninja
zombies batch peel lime casa hemisphere checks nodes adjust surf directory modules bind bucks duel
pending guardians erotic float rendering behavioral ser nutrition trades cube extensions investor
bert aston mortgage assess antique tub conditioning lemon dom sic pac beacon terra ant capt
updates pal mayo cara kitty notices cosmic attachment dresses authentic genetics una dissertation
coke rack persistent recorder crushing laundry scripts rub packages chick potato rand dane
courtesy ginger alias fortunately unlimited diabetes pas extraction constraints chu quote abs
ceramic slice playground mir oracle stunning basil mai posting packing fry bon mug hydraulic
hiring reminder sour packet pact packaging aluminium lad handbook judiciary extract blur omega
proposition clearance ducks laden gal flavor texture servers soda hum ren tutor incoming seller
pol dart multimedia notebook cooler thickness ads subscription hai printer proto replica
computational maze razor fixture exhaust convenience probe lump deadline scrap nam coupe smash
cheer advertisement surround rails sustainability packs toast thy definitions affordable deluxe
banana lottery berg bamboo thou watt aura latitude perspectives ada predator clips nude lent elle
thor digit pills blaze vine bail desktop pickup turbo anders execute curl vegetable mast capitals
mal gig reject aug bourbon curry specifications worm font greens nickel tess sant feather hazard
infinity adapt registry noir ole pony skinny boiler outreach spoon veterinary dump logs loads ale
recruitment forge suggestions invest replay jar audit tong specialists ark neural sid stocks cha
fragment mesa luckily accord tow masks zinc firstly overs woo sticky wallet burger apache logging
lever pork hospitality peripheral wit bloc brewing bio predict ins handles coconut gum mans
thankfully stud tex kang sentinel covenant cue dir angular integer podcast persona gala html stir
mas fits containers grinding evaluate workplace protector allocation electro sal verde arte
vocabulary strap marijuana flyers cass mutation acc sampling neon leopard helm expo mari ign ware
mater bunny kernel asphalt pins cookies cutter tick rep assurance parameter offset marin diagram
ein patriot setup creed directive threads determines builders builds diagnostic dev visibility cho
concurrent install dip resorts salad jew titan incorrect utilities heavenly bern sci browser
accessories quotes dungeon nun une nan technician compass maj cascade tenant hats heap contractors
zen dealers recommend catalyst nos colon magnet coding orient strawberry contributors brig mod
occupational rotary cyber wikipedia routing apocalypse lam tar transparency nets ling hmm puppy
supplier hurricanes fest counseling cache timeline gem ang rom coil ambient cortex aus tor deleted
paso elf tee intro newsletter brace encoding dem scroll searches halo calculation tam stellar nas
lex indicator correspond skate wholesale sac petit leak eco pill applicants cookie buyers vaccine
sept oven harness vest mage transitional prep dal nut pod wired polynomial sob cancel prediction
render alloy prefix imports lan tablets clone splash buyer translate vitamin hind trader remark
wander prop outlook spice buffer elm quad imp filters heck spotlight jackets rag benz borrow
polymer hobby futures dolphin psi nak annex sect hedge interpret accountability ping recycling
profiles digest impress weed zur api beau interrupt foam attribute recipe gradient cannabis hooks
seminar junk dans isa russ gov crab marketplace courier payload bakery centro telecom oasis sims
correction countdown ajax che paz literal psycho peach dar playback stripe aquarium trait depart
mold slash microwave mont gin dispatch nike idle bedrooms preferences rust icons calculate
redemption muse conditional drone penal hydro walnut por lim jong chrome fiat pets info mushroom
fetch miner como kits doe grill garner rot stainless til floral registers blanc dire apps vanity
dice lac python dai confidential troll len handy meta vent avalanche mono cocktail sar scripture
fore advisors sai severity elk nap organizer bas detector adjustment sellers peek rewards
transformers penis samsung mig camel modular uber pawn wen overview bounds token sud criterion
preview betting flux insert adaptive vita automation recipes euros bel paste vin listener fluent
rum disclosure rib connector patio generates cod promo twitch vertex homework loft quiz autism
encore invalid lore aux interpreter dorm discount orb hem sorted folder equals beverage sax
manifest examiner baths null interfaces viet reg granny suites sep apr barr unlock slots rig slack
flu wil converts crypt karma investing modify forecast swap med syn fuse tau bless unix chunk det
int blanco cabinets insights vapor sap audi vie curt authorization verified cleaner broker
suppliers petite ville serum arithmetic syntax chili geo programmer gee sparse bey gems oro anal
sans header naughty removes bis inputs verify longitude pokemon prescription paragraph mesh maxim
rug parcel mart navigator activate garlic hack plaintiff caller optimization hue yahoo dex specify
pang favorites semiconductor renew ras pest ciudad artifact password traverse connectivity tomato
fern assert pricing prom pointer jelly onion xml auditor fig quartz nah libre glide outs bun sha
vanilla pont cosmos typed auf govern cheers controllers tome elastic hose hari deploy roc robotics
uploaded donate tal bei pee lange sul forums dent vendor mer peanut steak gel backbone ist fir
compiler tab semantic jul fen bearings booking het ingredient compatibility unicorn hen qui
massage cheat sim wed cub encryption boo emails ding tags plum avatar bog liv pixel navigate graf
implements pak paw shack sorting nuevo reflex midi coloring socket mats consultants mort retro
blitz campo lia repository enhancement pussy sms appliances attach approx scriptures credentials
appendix porn ich brushes verification mata reactive launcher startup bard kern boca mor kan comb
wah filtering dia cocoa rus bro downloads blogs mic query shuffle mane ops dough fran pendant
congratulations buff nik mixer nad dow rune hacker lev hash consult lambda ness titanium tensor
rash dietary cater herr template opt safari pediatric assertion flutter alta installing
accessibility liter mil amp booster dat hyper applicant pow batter restart mag meteor inline
fallout assign telegram flex theta wand homo transcript basics zoom compute warp mein cher bash
queue vivo azure receipt rotate dummy props dependency jed wig memo duplicate alf chop rehab res
crunch mach staples proxy wal planner registrar boutique unauthorized ripple dun caf brew
messaging champ mango pasta escorts byte dew bran dashboard mana excel combo coco peg analytics
animator unsafe reset scaling soy seam intern cas tran vis insider bam timer fra indexed kidd ref
panda epoch als cosmetic eng decor harmon sequential homemade pens billing spawn supplements undo
alla align redistribution php pumpkin prompt sponge simulator sham wellness ley char projectile
gan mundo gall stitch nexus cot decimal ethernet prism pun listings luz ric scanner regression ste
apparel extras stats sync iss smartphone photon adjustable maison gui peng cong dod lear jug prem
poly logged macro responsive grupo potion pods hive scala await nec apt sho notification ebook
femme gust graz campos pri lei selector tak gloss tracker soc workout ledger tun bingo constraint
specifies nylon pep unicode pic authentication serialized casinos valor validation palette sous
metadata ind arrays bytes hog internacional nur carousel eine ebony cleanup neue cipher pixels
hitch dispose uno rein kam cree herbal outputs plumbing gamer wiring amend meng nic mojo volley
stat brit singleton wat blogger handler pear persistence pip bal cad lux dysfunction bot este
hunts mis astro ting rec deutschland banco tod spec jerseys ter clears ether kun ideally nano
agile essen pew pry carp geek sql bien kata foo moderator vox dil tre dept persist vet
"""

COMMON_WORDS = frozenset(_TEXT.split())
